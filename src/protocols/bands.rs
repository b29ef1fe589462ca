//! What a vendor calls the three audience bands.

use crate::domain::grade::AudienceBand;

/// In the words that vendors without words of their own get.
pub const USUAL: &str = "juvenile young-adult adult";

#[derive(Debug, Clone)]
pub struct Words([String; 3]);

impl Words {
    /// Three words, youngest readers first. `None` where it is not three.
    pub fn read(text: &str) -> Option<Words> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.try_into().ok().map(Words)
    }

    pub fn of(&self, band: AudienceBand) -> &str {
        let [juvenile, young_adult, adult] = &self.0;
        match band {
            AudienceBand::Juvenile => juvenile,
            AudienceBand::YoungAdult => young_adult,
            AudienceBand::Adult => adult,
        }
    }
}
