"""Operations that a phone queued while it was offline: kept, made in order, answered by receipts."""
