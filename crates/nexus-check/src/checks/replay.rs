//! Coming back: what was missed, from any cut, and how far back it goes.

use super::Running;
use crate::campaign::{Load, campaign, read_up_to};
use crate::client::{Opening, Stream};
use crate::kit::{Kit, cursor_of, snapshot};
use crate::outcome::{Stop, fails};
use crate::text::{both, plain};
use crate::wire::Frame;
use nexus_core::cursor::Cursor;

/// Publishers that fill the window.
const FILLERS: usize = 8;

/// Most rounds of filling, a few hundred commands each.
const ROUNDS: usize = 40;

/// How often the edge of the window is looked for while others publish.
const TRIES: usize = 5;

/// That the first frame carries the accepted cursor and nothing else.
pub(super) fn accepted(frame: &Frame, cursor: &Cursor) -> Result<(), Stop> {
    if frame.is_id_only() && frame.id.as_deref() == Some(&*cursor.to_string()) {
        return Ok(());
    }
    let expected = both!("a frame with id {cursor} alone", "id {cursor}만 있는 프레임");
    Err(fails(expected, plain(frame.summary())))
}

/// That two runs of reports are the same bytes.
pub(super) fn same(expected: &[Frame], got: &[Frame]) -> Result<(), Stop> {
    for (index, frame) in expected.iter().enumerate() {
        let other = got.get(index);
        if other.is_none_or(|other| other.raw != frame.raw) {
            let seen =
                other.map_or_else(|| both!("nothing", "없음"), |other| plain(other.summary()));
            return Err(fails(plain(frame.summary()), seen));
        }
    }
    match got.get(expected.len()) {
        None => Ok(()),
        Some(more) => Err(fails(both!("nothing more", "더 없음"), plain(more.summary()))),
    }
}

pub(super) fn exact(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let recording = kit.need_recording().await?;
        let campaign = &recording.campaign;
        let start = cursor_of(&campaign.first)?;
        let head = campaign.head().unwrap_or_default();
        let mut stream = kit.client.open(&Opening::after(start.to_string())).await?;
        accepted(&stream.next().await?, &start)?;
        let again = read_up_to(&kit.client, stream, head).await?;
        same(&campaign.reports, &again)?;
        let count = again.len();
        Ok(both!("{count} reports, byte for byte", "보고 {count}개, 바이트까지 같음"))
    })
}

pub(super) fn cut(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let recording = kit.need_recording().await?;
        let reports = &recording.campaign.reports;
        let start = cursor_of(&recording.campaign.first)?;
        let many = kit.amount(6, 25).min(reports.len());
        let whole = &reports[..many];
        let last = start.number + many as u64;
        // Wherever in a frame a stream is cut, the client has the same last id: one chain of
        // connections, each cut at a random byte of its next frame, stands for every byte.
        let (mut at, mut got, mut cuts) = (start, Vec::new(), 0);
        while at.number < last {
            let mut stream = kit.client.open(&Opening::after(at.to_string())).await?;
            accepted(&stream.next().await?, &at)?;
            let whole_ones = if cuts == 0 { 0 } else { 1 + kit.random.below(kit.amount(2, 1)) };
            for _ in 0..whole_ones.min(last - at.number) {
                let frame = stream.next().await?;
                at = cursor_of(&frame)?;
                got.push(frame);
            }
            if at.number < last {
                // Some bytes of the next frame, whose end is never seen.
                let bytes = 1 + kit.random.below(whole[0].raw.len() as u64 - 1);
                stream.read_bytes(bytes as usize).await;
            }
            cuts += 1;
        }
        same(whole, &got)?;
        Ok(both!("{many} reports over {cuts} cuts", "{cuts}번 끊긴 연결로 보고 {many}개"))
    })
}

pub(super) fn window(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_recording().await?;
        let keep = kit.plan.event_keep;
        let (head, inside, stream) = at_the_edge(kit, keep).await?;
        let again = read_up_to(&kit.client, stream, head.number).await?;
        let numbers = again.iter().map(Frame::number);
        if again.len() as u64 != keep
            || !numbers.zip(inside.number + 1..).all(|(got, expected)| got == Some(expected))
        {
            let count = again.len();
            let expected = both!("{keep} reports, one by one", "보고 {keep}개, 차례대로");
            return Err(fails(expected, both!("{count} reports", "보고 {count}개")));
        }
        let outside = Cursor { number: inside.number - 1, ..inside };
        let frame = kit.client.open(&Opening::after(outside.to_string())).await?.next().await?;
        super::opening::is_whole(&frame, &kit.client.tenant().to_string(), "expired")?;
        Ok(both!(
            "{keep} back is replayed, one more is expired",
            "{keep}개까지 다시 보내고 하나 더는 expired"
        ))
    })
}

/// Comes back exactly so many reports behind the newest: where that is, and the stream.
async fn at_the_edge(kit: &mut Kit, keep: u64) -> Result<(Cursor, Cursor, Box<Stream>), Stop> {
    for _ in 0..TRIES {
        let head = fill(kit, keep + 1).await?;
        let inside = Cursor { number: head.number - keep, ..head.clone() };
        let mut stream = kit.client.open(&Opening::after(inside.to_string())).await?;
        let first = stream.next().await?;
        // Others may have published meanwhile; the snapshot says so.
        let moved = first.is("snapshot") && first.number().is_some_and(|now| now > head.number);
        if !moved {
            accepted(&first, &inside)?;
            return Ok((head, inside, stream));
        }
    }
    Err(Stop::Skip(both!("others publish in this tenant", "다른 이가 이 테넌트에 발행하고 있음")))
}

/// Publishes until the log has this many reports, and everything is still.
async fn fill(kit: &mut Kit, reports: u64) -> Result<Cursor, Stop> {
    for _ in 0..ROUNDS {
        let frame = snapshot(&kit.client).await?;
        let head = cursor_of(&frame)?;
        if head.number >= reports {
            return Ok(head);
        }
        let missing = reports - head.number;
        let so_far = head.number;
        kit.client.note(&both!(
            "filling the window: {so_far} of {reports} reports",
            "보관 범위를 채우는 중: 보고 {so_far}/{reports}개"
        ));
        // At least two reports a command.
        let each = (missing as usize / 2 / FILLERS + 1).min(60);
        let load = Load { publishers: FILLERS, each };
        let (client, mut random) = (kit.client.clone(), kit.random.part());
        let opening = Opening::after(head.to_string());
        campaign(&client, &mut random, &opening, load, |_| {}).await?;
    }
    Err(Stop::Skip(both!("the window could not be filled", "보관 범위를 채울 수 없음")))
}
