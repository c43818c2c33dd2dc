"""What was acknowledged to clients: whatever happens later, this must come true."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Submission:
    """An acknowledged batch, or an acknowledged single render.

    Attributes:
        account: whose it is.
        batch_id: the batch; empty for a single render.
        count: how many items.
        hook: the name of its webhook's address; empty without a webhook.
        url: the file of a single render.
        cancelled: whether its cancellation was acknowledged.
    """

    account: str
    batch_id: str
    count: int
    hook: str = ""
    url: str = ""
    cancelled: bool = False


@dataclass
class Record:
    """All that was said to clients.

    Attributes:
        submissions: what was acknowledged.
        answers: how often each status came, `no answer` included.
        refused: answers that no fault explains: the request was right.
    """

    submissions: list[Submission] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    @property
    def batches(self) -> list[Submission]:
        """Without the single renders."""
        return [submission for submission in self.submissions if submission.batch_id]

    @property
    def items(self) -> int:
        """How many items were acknowledged."""
        return sum(submission.count for submission in self.submissions)
