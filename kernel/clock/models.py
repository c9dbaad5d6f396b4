"""The one-row table behind `kernel_now()`."""

from django.db import models


class ClockOffset(models.Model):
    """How far the house's clock is ahead of the server's. Always zero outside tests.

    Can be moved only where `SUOSHE_TEST_CLOCK=1` (`kernel.clock.travel`); a system check refuses
    that with `DEBUG` off outside the suite.
    """

    id = models.SmallIntegerField("编号", primary_key=True, default=1)
    ahead = models.DurationField("提前量")

    class Meta:
        verbose_name = verbose_name_plural = "测试时钟"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="clock_clockoffset_one_row")]

    def __str__(self) -> str:
        return f"+{self.ahead}"
