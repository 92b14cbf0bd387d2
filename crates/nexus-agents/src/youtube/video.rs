//! Which video somebody means: an id, or a YouTube URL in any of its forms.

use url::Url;

/// What is said to whoever named something else.
pub(super) const ACCEPTED: &str = "Name a video by its id (11 of A-Z a-z 0-9 _ -) or by a URL such \
    as https://www.youtube.com/watch?v=…, https://youtu.be/…, or /shorts/…, /embed/…, /live/… of \
    youtube.com or music.youtube.com";

/// Hosts that YouTube serves videos from, without `www.` and the like.
const HOSTS: [&str; 3] = ["youtube.com", "youtube-nocookie.com", "youtu.be"];

/// First parts of a path that is followed by an id.
const FOLDERS: [&str; 5] = ["shorts", "embed", "live", "v", "e"];

/// The id of the video that a text names: an id, or a URL with any playlist and time in it.
pub fn video_id(text: &str) -> Option<String> {
    let text = text.trim();
    if is_id(text) {
        return Some(text.to_owned());
    }
    let url = match text.split_once("://") {
        Some(_) => Url::parse(text),
        None => Url::parse(&format!("https://{text}")),
    };
    let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?.to_ascii_lowercase();
    let host = ["www.", "m.", "music."].iter().find_map(|part| host.strip_prefix(part));
    let host =
        host.map_or_else(|| url.host_str().unwrap_or_default().to_ascii_lowercase(), str::to_owned);
    if !HOSTS.contains(&host.as_str()) {
        return None;
    }
    let mut parts = url.path_segments()?.filter(|part| !part.is_empty());
    let (first, second) = (parts.next(), parts.next());
    let found = match (host.as_str(), first, second) {
        ("youtu.be", Some(id), _) => Some(id.to_owned()),
        (_, Some(folder), Some(id)) if FOLDERS.contains(&folder) => Some(id.to_owned()),
        (_, Some("watch") | None, _) => {
            url.query_pairs().find(|(name, _)| name == "v").map(|(_, id)| id.into_owned())
        }
        _ => None,
    };
    found.filter(|id| is_id(id))
}

/// Whether a text can only be meant as a video: a URL, or an id that is no plain word. A word of
/// eleven small letters is rather something to search for.
pub fn names_a_video(text: &str) -> bool {
    let word = text.bytes().all(|b| b.is_ascii_lowercase());
    !word && video_id(text).is_some()
}

/// Where the video is.
pub(super) fn url(video_id: &str) -> String {
    format!("https://www.youtube.com/watch?v={video_id}")
}

fn is_id(text: &str) -> bool {
    text.len() == 11 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_url_names_its_video() {
        for text in [
            "dQw4w9WgXcQ",
            " dQw4w9WgXcQ ",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "http://youtube.com/watch?list=PLx&v=dQw4w9WgXcQ&t=42s&index=3",
            "https://m.youtube.com/watch?app=desktop&v=dQw4w9WgXcQ",
            "https://music.youtube.com/watch?v=dQw4w9WgXcQ&list=RDAMVM",
            "https://youtu.be/dQw4w9WgXcQ?si=abc&t=1m2s",
            "youtu.be/dQw4w9WgXcQ",
            "www.youtube.com/watch?v=dQw4w9WgXcQ#t=30",
            "https://www.youtube.com/shorts/dQw4w9WgXcQ?feature=share",
            "https://www.youtube.com/embed/dQw4w9WgXcQ?start=10",
            "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
            "https://www.youtube.com/live/dQw4w9WgXcQ/",
            "https://WWW.YOUTUBE.COM/v/dQw4w9WgXcQ",
        ] {
            assert_eq!(video_id(text).as_deref(), Some("dQw4w9WgXcQ"), "{text}");
        }
    }

    #[test]
    fn anything_else_names_none() {
        for text in [
            "",
            "재즈",
            "dQw4w9WgXc",
            "dQw4w9WgXcQQ",
            "dQw4w9WgX/Q",
            "https://www.youtube.com/playlist?list=PLx",
            "https://www.youtube.com/@channel",
            "https://www.youtube.com/watch?v=short",
            "https://youtu.be/",
            "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
            "https://evil.example/youtube.com/watch?v=dQw4w9WgXcQ",
            "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
            "ftp://youtube.com/watch?v=dQw4w9WgXcQ",
            "javascript:alert(1)",
        ] {
            assert_eq!(video_id(text), None, "{text}");
        }
        assert!(names_a_video("dQw4w9WgXcQ") && !names_a_video("programming"));
    }
}
