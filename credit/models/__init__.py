"""Credit: the ledger of facts, the scheme, the standing of each business and how it came (DOMAIN.md §4)."""

from credit.models.asking import Appeal, Repair
from credit.models.ledger import CreditFact, DirtyEntity
from credit.models.partners import RedPartner
from credit.models.runs import GradingRun
from credit.models.scheme import CreditScheme
from credit.models.standing import CreditAssessment, CreditReview, CreditStanding

__all__ = [
    "Appeal",
    "CreditAssessment",
    "CreditFact",
    "CreditReview",
    "CreditScheme",
    "CreditStanding",
    "DirtyEntity",
    "GradingRun",
    "RedPartner",
    "Repair",
]
