"""调解协议: signed by both parties and the mediator on one screen, and performed or not (DESIGN.md §9).

What is signed is frozen: the canonical JSON with the parties, the terms and the hashes of the three
signatures; its SHA-256 is the agreement's digest. It holds the consumer's name, and so rests sealed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from kernel import sealed
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.deadlines import clocks
from kernel.errors import Conflict, Refused
from leads import snapshots
from stations import acts, consumers, credit_facts, drawn, ending, escalating, official, policy, testing
from stations.acts import SUBJECT, Act, Expect
from stations.models import (
    Agreement,
    AgreementSignature,
    Dispute,
    FailReason,
    Outcome,
    Party,
    TierStay,
    WordWay,
)
from stations.models.choices import Claim
from stations.states import Move, Tier

SENTENCE = "本协议系双方自愿达成，内容无误，双方按约履行；调解员见证签署。"
MOST_TERMS = 3000
FARTHEST_DAYS = 365
PARTIES = (Party.CONSUMER, Party.SHOP, Party.MEDIATOR)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the parties agreed. `amount` in yuan, None where nothing is paid; `perform_by` the last day."""

    terms: str = field(repr=False)
    perform_by: date
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """The consumer says, where the agreement is broken, that it shall go to 12315."""

    way: WordWay
    note: str = field(default="", repr=False)


# --- agreeing --------------------------------------------------------------------------------------


def agree(
    *,
    dispute_id: int,
    by: User,
    expect: Expect,
    client_uid: uuid.UUID,
    given: Terms,
    signatures: Mapping[Party, bytes],
) -> Agreement:
    """签订协议: terms and the signatures of both parties, drawn; `by` is the mediator who signs as himself.

    Everything in one transaction: agreement, signatures, state, the clock of the promised day. The same
    `client_uid` with the same content gives the agreement back.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`,
        `client_uid_conflict`, `no_consumer`; Refused `terms_required`, `bad_day`, `signature_required`, and
        as `drawn.checked`; Busy.
    """
    images = _images(signatures)
    digest = _request_digest(dispute_id, given, images)

    def work(act: Act) -> Agreement:
        earlier = Agreement.objects.filter(mediator=by, client_uid=client_uid).first()
        if earlier is not None:
            if earlier.content_digest != digest:
                raise Conflict(
                    "该编号已用于另一份协议，内容不同，请重新提交。",
                    code="client_uid_conflict",
                    attr="client_uid",
                )
            return earlier
        act.as_handler()
        expect(act.dispute.version)
        act.move(Move.AGREE)
        _refuse(act, given)
        row = _write(act, client_uid, digest, given, images)
        _await(act, row)
        return row

    return acts.once_per_uid(lambda: acts.perform(dispute_id, by, work), "stations_agreement_one_client_uid")


def _images(signatures: Mapping[Party, bytes]) -> dict[Party, bytes]:
    missing = [one.label for one in (Party.CONSUMER, Party.SHOP) if not signatures.get(one)]
    if missing:
        raise Refused(f"请{'、'.join(missing)}签名后再提交。", code="signature_required", attr="signatures")
    return {
        party: drawn.checked(image, f"signatures.{party.lower()}")
        for party in PARTIES
        if (image := signatures.get(party))
    }


def _request_digest(dispute_id: int, given: Terms, images: Mapping[Party, bytes]) -> str:
    amount = None if given.amount is None else f"{given.amount:.2f}"
    said = [dispute_id, given.terms.strip(), amount, given.perform_by.isoformat()]
    return snapshots.sha256([*said, {party: drawn.sha256(image) for party, image in images.items()}])


def _refuse(act: Act, given: Terms) -> None:
    if not given.terms.strip():
        raise Refused("请填写协议内容。", code="terms_required", attr="terms")
    if len(given.terms) > MOST_TERMS:
        raise Refused(f"协议内容请控制在{MOST_TERMS}字以内。", code="terms_too_long", attr="terms")
    if not 0 <= (given.perform_by - local_date(act.at)).days <= FARTHEST_DAYS:
        raise Refused("履行期限应在今天起一年以内。", code="bad_day", attr="perform_by")


def content(act: Act, given: Terms, number: str, images: Mapping[Party, bytes]) -> dict[str, Any]:
    """What is signed, in the clear: for the seal, and for the draft that the parties read before.

    Raises: Conflict `no_consumer`.
    """
    dispute = act.dispute
    consumer = consumers.identity_of(dispute)
    if consumer is None or not consumer.name.strip():
        raise Conflict("没有登记消费者姓名，不能签订协议。", code="no_consumer")
    entity = dispute.entity
    return {
        "number": number,
        "dispute": dispute.number,
        "tier": dispute.tier,
        "station": {"code": dispute.station.code, "name": dispute.station.name},
        "signed_on": local_date(act.at).isoformat(),
        "consumer": {"name": consumer.name, "phone": consumer.phone},
        "shop": {
            "name": dispute.entity_name,
            "code": "" if entity is None else entity.uscc or "",
            "address": "" if entity is None else entity.address,
        },
        "goods": dispute.goods,
        "disputed_amount": None if dispute.amount is None else f"{dispute.amount:.2f}",
        "claims": [Claim(one).label for one in dispute.claims],
        "facts": dispute.description,
        "terms": given.terms.strip(),
        "amount": None if given.amount is None else f"{given.amount:.2f}",
        "perform_by": given.perform_by.isoformat(),
        "mediator": act.actor.name,
        "sentence": SENTENCE,
        "signatures": {party.value: drawn.sha256(image) for party, image in images.items()},
    }


def _write(
    act: Act, client_uid: uuid.UUID, digest: str, given: Terms, images: Mapping[Party, bytes]
) -> Agreement:
    dispute = act.dispute
    number = f"{dispute.number}-{dispute.cycle}"
    signed = snapshots.canonical(content(act, given, number, images))
    row = Agreement.objects.create(
        dispute=dispute,
        number=number,
        client_uid=client_uid,
        content_digest=digest,
        cycle=dispute.cycle,
        tier=dispute.tier,
        station=dispute.station,
        mediator=act.actor,
        terms=consumers.hidden(dispute, given.terms),
        amount=given.amount,
        perform_by=given.perform_by,
        sealed_content=sealed.seal(signed.encode()),
        digest=snapshots.sha256(json.loads(signed)),
        signed_at=act.at,
    )
    AgreementSignature.objects.bulk_create(
        [
            AgreementSignature(
                agreement=row,
                party=party,
                sealed_image=sealed.seal(images[party]) if party in images else b"",
                image_sha256=drawn.sha256(images[party]) if party in images else "",
                signed_at=act.at,
                signer=act.by if party is Party.MEDIATOR else None,
            )
            for party in PARTIES
        ]
    )
    return row


def _await(act: Act, row: Agreement) -> None:
    """The tier's clock is met; the promised day is awaited."""
    dispute, due_at = act.dispute, policy.perform_due(row.perform_by)
    main = [one.kind for one in act.live if one.subject_kind == SUBJECT and not one.parent_kind]
    clocks.meet(SUBJECT, dispute.pk, main, at=act.at)
    testing.call_off([act.dispute], act.at)
    clocks.arm(
        [
            clocks.running(
                SUBJECT, dispute.pk, policy.PERFORM, cycle=dispute.cycle, armed_at=act.at, due_at=due_at
            )
        ]
    )
    dispute.agreed_at, dispute.due_at, dispute.due_is_guessed = act.at, due_at, False
    act.note(
        "dispute.agreed",
        {
            "agreement": row.number,
            "digest": row.digest,
            "amount": None if row.amount is None else str(row.amount),
            "perform_by": row.perform_by.isoformat(),
        },
    )
    act.save("state", "agreed_at", "due_at", "due_is_guessed")


def opened(row: Agreement) -> dict[str, Any]:
    """What was signed, in the clear: for the paper, which only its handlers may have.

    Raises: Conflict `seal_broken`.
    """
    try:
        found: dict[str, Any] = json.loads(sealed.unseal(bytes(row.sealed_content)))
    except sealed.SealBroken:
        raise Conflict("协议内容无法解密，请联系系统管理员核对密钥。", code="seal_broken") from None
    return found


def images_of(row: Agreement) -> dict[Party, bytes]:
    """The drawn signatures, by party. Raises: Conflict `seal_broken`."""
    try:
        return {
            Party(one.party): sealed.unseal(bytes(one.sealed_image))
            for one in row.signatures.all()
            if bytes(one.sealed_image)
        }
    except sealed.SealBroken:
        raise Conflict("签名无法解密，请联系系统管理员核对密钥。", code="seal_broken") from None


def verified(row: Agreement) -> bool:
    """Do content, signatures and digest still say the same?"""
    said, images = opened(row), images_of(row)
    hashes = {party.value: drawn.sha256(image) for party, image in images.items()}
    return snapshots.sha256(said) == row.digest and said["signatures"] == hashes


# --- performing ------------------------------------------------------------------------------------


def perform(
    *,
    dispute_id: int,
    by: User,
    expect: Expect,
    performed: bool,
    note: str = "",
    to_official: Word | None = None,
) -> Dispute:
    """核实履行. Performed: it ends. Not performed: the shop's ledger hears of it once, and the matter goes to
    the next tier – from COMMUNITY to the office by the consumer's word given before, else it ends, as it does
    at OFFICIAL. The word that he gives now (`to_official`) brings it to the office from any tier. Repeated,
    it is given back.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`,
        `not_due`; Refused `reason_required`; Busy.
    """
    if not performed and not note.strip():
        raise Refused("请写明未履行的情况。", code="reason_required", attr="note")

    def work(act: Act) -> Dispute:
        last = Agreement.objects.filter(dispute=act.dispute).order_by("-id").first()
        if last is None:
            act.as_handler()
            raise Conflict("这件纠纷没有签订协议。", code="wrong_state")
        said = consumers.hidden(act.dispute, note)[:500]
        ended = Agreement.State.PERFORMED if performed else Agreement.State.BROKEN
        if (last.state, last.checked_by_id, last.check_note) == (ended, by.pk, said):
            return act.dispute
        act.as_handler()
        expect(act.dispute.version)
        act.could_move(Move.PERFORM if performed else Move.BREAK)
        if not performed and local_date(act.at) <= last.perform_by:
            raise Conflict("履行期限尚未届满，不能登记为未履行。", code="not_due")
        last.state, last.checked_at, last.checked_by, last.check_note = ended, act.at, by, said
        last.save(update_fields=["state", "checked_at", "checked_by", "check_note"])
        if performed:
            clocks.meet(SUBJECT, act.dispute.pk, [policy.PERFORM, policy.CHECK], at=act.at)
            ending.end(act, Move.PERFORM, Outcome.PERFORMED, note=said)
        else:
            _broken(act, last, said, to_official)
        return act.dispute

    return acts.perform(dispute_id, by, work)


def _broken(act: Act, row: Agreement, note: str, word: Word | None) -> None:
    dispute = act.dispute
    act.note("dispute.agreement_broken", {"agreement": row.number, "note": note})
    credit_facts.not_performed(act, row)
    if word is not None and dispute.tier != Tier.OFFICIAL:
        official.take_word(act, way=word.way, note=word.note)
        dispute.save(update_fields=["word_at"])
    if dispute.tier in (Tier.SHOP, Tier.CIRCLE) and not (word is not None and official.may_file(dispute)):
        escalating.up(act, TierStay.Why.BROKEN, note=note, move=Move.BREAK)
        act.save(*escalating.UP_COLUMNS)
        escalating.tell_entered(act)
        return
    if official.may_file(dispute):
        official.file(act, note="协议未履行", move=Move.BREAK)
        return
    ending.end(act, Move.BREAK, Outcome.NOT_REACHED, note=note, fail=FailReason.NOT_PERFORMED)


def reseal() -> tuple[int, int]:
    """Seal anew under the newest key what was signed, and the signatures' images; hashes and digests stay.
    Returns how many were, and how many no key opens. Safe to repeat and to interrupt."""
    counts = [
        sealed.reseal(Agreement.objects.all(), "sealed_content"),
        sealed.reseal(AgreementSignature.objects.all(), "sealed_image"),
    ]
    return sum(done for done, _ in counts), sum(broken for _, broken in counts)
