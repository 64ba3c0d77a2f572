//! Int literals too large for 64 bits.

/// Hexadecimal digits of an int literal in any base, without prefix. Quadratic in the length of a decimal literal,
/// which is bounded; linear otherwise.
pub(crate) fn hexadecimal(literal: &str) -> String {
    let text: String = literal.chars().filter(|&c| c != '_').collect();
    let prefix = text.get(..2).unwrap_or_default().to_ascii_lowercase();
    let digits = match prefix.as_str() {
        "0x" => text[2..].to_ascii_lowercase(),
        "0o" => from_bits(&text[2..], 3),
        "0b" => from_bits(&text[2..], 1),
        _ => from_decimal(&text),
    };
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

fn from_bits(digits: &str, width: u32) -> String {
    let mut nibbles = Vec::with_capacity(digits.len());
    let (mut pending, mut bits) = (0_u32, 0);
    for digit in digits.bytes().rev() {
        pending |= u32::from(digit & 7) << bits;
        bits += width;
        while bits >= 4 {
            nibbles.push(pending & 15);
            pending >>= 4;
            bits -= 4;
        }
    }
    nibbles.push(pending & 15);
    nibbles.iter().rev().map(|&n| char::from_digit(n, 16).unwrap_or('0')).collect()
}

fn from_decimal(digits: &str) -> String {
    let mut limbs: Vec<u32> = Vec::new();
    for chunk in digits.as_bytes().chunks(9) {
        let value = chunk.iter().fold(0_u64, |n, &digit| n * 10 + u64::from(digit & 15));
        let scale = 10_u64.pow(chunk.len() as u32);
        let mut carry = value;
        for limb in &mut limbs {
            let n = u64::from(*limb) * scale + carry;
            *limb = n as u32;
            carry = n >> 32;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    limbs.iter().rev().map(|limb| format!("{limb:08x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::hexadecimal;

    #[test]
    fn bases_agree() {
        for n in [1_u128 << 64, u128::MAX, 10_u128.pow(38), 12_345_678_901_234_567_890_123] {
            let wanted = format!("{n:x}");
            assert_eq!(hexadecimal(&n.to_string()), wanted);
            assert_eq!(hexadecimal(&format!("{n:#x}")), wanted);
            assert_eq!(hexadecimal(&format!("{n:#o}")), wanted);
            assert_eq!(hexadecimal(&format!("{n:#b}")), wanted);
        }
        assert_eq!(hexadecimal("18_446_744_073_709_551_616"), "10000000000000000");
    }
}
