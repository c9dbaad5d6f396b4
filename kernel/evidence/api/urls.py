"""Paths of evidence, under `/api/v1/`."""

from kernel.api import both_slashes
from kernel.evidence.api import views

urlpatterns = [
    *both_slashes("evidence/", views.UploadEvidence.as_view(), "evidence"),
    *both_slashes("evidence/<int:evidence_id>/original", views.Original.as_view(), "evidence-original"),
    *both_slashes("evidence/<int:evidence_id>/thumbnail", views.Thumbnail.as_view(), "evidence-thumbnail"),
    *both_slashes(
        "evidence/<int:evidence_id>/watermarked", views.Watermarked.as_view(), "evidence-watermarked"
    ),
    *both_slashes("evidence/<int:evidence_id>/playback", views.Playback.as_view(), "evidence-playback"),
]
