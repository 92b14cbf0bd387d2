//! Numbers that belong to people: resident registration numbers, phones and cards, in ASCII or
//! full-width digits.

use super::Found;

/// Milliseconds since 1970 that a program is likely to write: 2001 to 2039.
const EPOCH_MILLIS: std::ops::Range<u64> = 1_000_000_000_000..2_200_000_000_000;

/// Words that say that a number is a resident's although it could be a time.
const RESIDENT: [&str; 6] = ["주민", "외국인등록", "rrn", "resident", "jumin", "ssn"];

/// How far before a number such a word may stand, in characters.
const NEAR: usize = 24;

pub(super) fn find(text: &str, at: usize, c: char, before: Option<char>) -> Option<Found> {
    if before.and_then(digit).is_some() {
        return None;
    }
    let rest = &text[at..];
    if c == '+' {
        return international(rest);
    }
    if digit(c).is_none() && c != '(' {
        return None;
    }
    let word = before.is_some_and(|b| b.is_ascii_alphabetic() || b == '_');
    // Behind a decimal point there is a fraction, not a number of its own.
    let fraction = before == Some('.')
        && text[..at - 1].chars().next_back().is_some_and(|c| digit(c).is_some());
    if fraction {
        return None;
    }
    resident(&text[..at], rest, word).or_else(|| phone(rest, word)).or_else(|| card(rest, word))
}

/// The value of an ASCII or a full-width digit.
fn digit(c: char) -> Option<u8> {
    match c {
        '0'..='9' => Some(c as u8 - b'0'),
        '０'..='９' => u8::try_from(u32::from(c) - u32::from('０')).ok(),
        _ => None,
    }
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{fe63}' | '\u{ad}')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{3000}' | '\u{2000}'..='\u{200b}' | '\u{202f}')
}

/// Reads digits and what may stand between them.
#[derive(Clone)]
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// The digits that stand here, at most `most` of them.
    fn digits(&mut self, most: usize) -> Vec<u8> {
        let mut digits = Vec::new();
        while digits.len() < most
            && let Some((c, value)) = self.peek().and_then(|c| Some((c, digit(c)?)))
        {
            digits.push(value);
            self.at += c.len_utf8();
        }
        digits
    }

    fn skip(&mut self, is: impl Fn(char) -> bool, most: usize) -> usize {
        let start = self.at;
        for _ in 0..most {
            match self.peek().filter(|c| is(*c)) {
                Some(c) => self.at += c.len_utf8(),
                None => break,
            }
        }
        self.at - start
    }

    /// Whether a number can end here; `bare` ones are not parts of words.
    fn ends(&self, bare: bool) -> bool {
        match self.peek() {
            Some(c) if digit(c).is_some() => false,
            Some(c) => !(bare && (c.is_ascii_alphanumeric() || c == '_')),
            None => true,
        }
    }
}

/// Six digits that are a date, a seventh from 1 to 8, six more. There is no check digit: numbers
/// since 2020 have none.
fn resident(before: &str, rest: &str, word: bool) -> Option<Found> {
    let mut reader = Reader::new(rest);
    let birth = reader.digits(6);
    if birth.len() != 6 || !is_date(&birth) {
        return None;
    }
    let gap_start = reader.at;
    reader.skip(is_space, 2);
    reader.skip(|c| is_hyphen(c) || c == '.', 1);
    reader.skip(is_space, 2);
    let bare = reader.at == gap_start;
    let serial = reader.digits(7);
    if serial.len() != 7 || !(1..=8).contains(&serial[0]) || !reader.ends(bare) || (bare && word) {
        return None;
    }
    let ascii = rest.is_char_boundary(13) && rest[..13].bytes().all(|b| b.is_ascii_digit());
    if bare && ascii {
        let value: u64 = rest[..13].parse().ok()?;
        if EPOCH_MILLIS.contains(&value) && !says_resident(before) {
            return None;
        }
    }
    Some(Found::new(reader.at, "******-*******"))
}

fn says_resident(before: &str) -> bool {
    let near: String = before.chars().rev().take(NEAR).collect();
    let near: String = near.chars().rev().flat_map(char::to_lowercase).collect();
    RESIDENT.iter().any(|word| near.contains(word))
}

fn is_date(digits: &[u8]) -> bool {
    let month = digits[2] * 10 + digits[3];
    let day = digits[4] * 10 + digits[5];
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

fn is_phone_gap(c: char) -> bool {
    is_space(c) || is_hyphen(c) || matches!(c, '.' | ')' | '(' | '·')
}

/// Korean numbers as dialled at home: area or service code, three or four digits, four digits.
fn phone(rest: &str, word: bool) -> Option<Found> {
    let mut reader = Reader::new(rest);
    let open = reader.skip(|c| c == '(', 1) > 0;
    let start = reader.clone();
    // Seoul's code has two digits, personal numbers' four, all others three.
    [2, 3, 4].into_iter().find_map(|code| {
        let mut reader = start.clone();
        let area = reader.digits(code);
        let known = match area.as_slice() {
            [0, 2] => true,
            [0, 1, third] => matches!(third, 0 | 1 | 6..=9),
            [0, 3..=6, _] | [0, 7, 0] | [0, 8, 0] => true,
            [0, 5, 0, _] => true,
            _ => false,
        };
        if !known {
            return None;
        }
        let gap = reader.skip(is_phone_gap, 3) > 0;
        if open && !gap {
            return None;
        }
        finish_phone(reader, gap, word)
    })
}

/// The seven or eight digits behind the code.
fn finish_phone(reader: Reader<'_>, gap: bool, word: bool) -> Option<Found> {
    [4, 3].into_iter().find_map(|middle| {
        let mut reader = reader.clone();
        if reader.digits(middle).len() != middle {
            return None;
        }
        let bare = reader.skip(is_phone_gap, 3) == 0 && !gap;
        let fits = reader.digits(4).len() == 4 && reader.ends(bare) && !(bare && word);
        fits.then(|| Found::new(reader.at, "***-****-****"))
    })
}

/// `+` and 8 to 15 digits, with single gaps.
fn international(rest: &str) -> Option<Found> {
    let mut reader = Reader::new(rest);
    reader.at = 1;
    let (mut count, mut end) = (0, 0);
    loop {
        let group = reader.digits(16).len();
        if group == 0 {
            break;
        }
        count += group;
        if count > 15 {
            return None;
        }
        end = reader.at;
        if reader.skip(is_phone_gap, 3) == 0 {
            break;
        }
    }
    reader.at = end;
    (count >= 8 && reader.ends(false)).then(|| Found::new(end, "+***"))
}

/// 13 to 19 digits that pass Luhn's check, alone or in groups of which the first has four.
fn card(rest: &str, word: bool) -> Option<Found> {
    let mut reader = Reader::new(rest);
    let mut digits: Vec<u8> = Vec::new();
    let mut best = None;
    let mut groups = 0;
    loop {
        let group = reader.digits(20);
        if group.is_empty() {
            break;
        }
        groups += 1;
        digits.extend(&group);
        if digits.len() > 19 || (digits.len() < 13 && groups == 1 && digits.len() != 4) {
            break;
        }
        let bare = groups == 1;
        let ends = reader.ends(bare) && !(bare && word);
        // Networks begin with 2 to 6; cards that work in Korea alone with 9.
        let network = matches!(digits[0], 2..=6 | 9);
        if digits.len() >= 13 && network && ends && luhn(&digits) {
            best = Some(reader.at);
        }
        if reader.skip(|c| is_space(c) || is_hyphen(c), 1) == 0 {
            break;
        }
    }
    best.map(|end| Found::new(end, "****-****-****-****"))
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(*digit);
            match index % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}
