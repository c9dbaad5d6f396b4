"""Found by the admin's autodiscovery: pages of kernel models whose rights come from postings."""

from suoshe import approvals_admin, kernel_admin, offline_admin  # noqa: F401 - registers them
