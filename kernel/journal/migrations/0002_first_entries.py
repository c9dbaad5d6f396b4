"""Who has just made a subject says so, and the chain's last entry is not looked for.

That was a fifth of what an entry costs. Nothing is taken on trust: the first entry bears number 1, and
`journal_entry_one_seq` refuses it where the chain has begun before.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations

LAST = """
    SELECT e.seq + 1, e.hash INTO NEW.seq, NEW.prev_hash
      FROM journal_entry e WHERE e.stream = NEW.stream ORDER BY e.seq DESC LIMIT 1;
    IF NOT FOUND THEN
        NEW.seq := 1;
        NEW.prev_hash := '';
    END IF;
"""
FIRST = """
    IF NEW.prev_hash = 'first' THEN
        NEW.seq := 1;
        NEW.prev_hash := '';
    ELSE
"""


def chain(number: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION journal_entry_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{number}
    NEW.hash := journal_entry_digest(
        NEW.prev_hash, NEW.stream, NEW.seq, NEW.kind, NEW.actor_id, NEW.actor_name, NEW.at, NEW.data);
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("journal", "0001_entries_and_seals")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(chain(FIRST + LAST + "    END IF;"), chain(LAST)),
    ]
