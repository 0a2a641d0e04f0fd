"""Play a migration plan event by event, and judge it from the data alone."""

from zonewright.models.executor.breach import Breach, Fault
from zonewright.models.executor.middle import estate_after
from zonewright.models.executor.play import Execution, Figures, Peak, execute

__all__ = ["Breach", "Execution", "Fault", "Figures", "Peak", "estate_after", "execute"]
