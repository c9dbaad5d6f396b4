"""Real processes under load, killed by pid with −9: nothing is lost, nothing is done twice.

`robots` records what the chat groups were told, `load` is the phones, `keeper` the supervisor and the
one who kills, `outcome` counts afterwards, from the database and from what the robots recorded.
"""
