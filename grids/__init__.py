"""Who and where: communities, offices, grids, postings, absences, duty."""
