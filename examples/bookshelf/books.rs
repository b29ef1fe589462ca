//! What there is to read: a page each of books that belong to everybody.

use serde::Serialize;

/// Whom a book suits, as libraries put it; the order is by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Band {
    Juvenile,
    YoungAdult,
    Adult,
}

impl Band {
    /// By the value of the claim `audience_band`. Whoever comes without one gets the children's books.
    pub fn named(name: &str) -> Band {
        match name {
            "adult" => Band::Adult,
            "young-adult" => Band::YoungAdult,
            _ => Band::Juvenile,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Band::Juvenile => "a child",
            Band::YoungAdult => "a young adult",
            Band::Adult => "an adult",
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Book {
    pub id: &'static str,
    pub title: &'static str,
    pub author: &'static str,
    pub year: u16,
    /// The youngest readers whom it is for.
    pub audience: Band,
    pub language: &'static str,
    #[serde(skip)]
    text: &'static str,
}

impl Book {
    pub fn paragraphs(&self) -> Vec<String> {
        self.text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

pub fn named(id: &str) -> Option<&'static Book> {
    BOOKS.iter().find(|book| book.id == id)
}

/// What suits a reader: her own band and all below it.
pub fn for_band(band: Band) -> Vec<&'static Book> {
    BOOKS.iter().filter(|book| book.audience <= band).collect()
}

static BOOKS: [Book; 7] = [
    Book {
        id: "peter-rabbit",
        title: "The Tale of Peter Rabbit",
        author: "Beatrix Potter",
        year: 1902,
        audience: Band::Juvenile,
        language: "en",
        text: include_str!("texts/peter-rabbit.txt"),
    },
    Book {
        id: "alice",
        title: "Alice’s Adventures in Wonderland",
        author: "Lewis Carroll",
        year: 1865,
        audience: Band::Juvenile,
        language: "en",
        text: include_str!("texts/alice.txt"),
    },
    Book {
        id: "oz",
        title: "The Wonderful Wizard of Oz",
        author: "L. Frank Baum",
        year: 1900,
        audience: Band::Juvenile,
        language: "en",
        text: include_str!("texts/oz.txt"),
    },
    Book {
        id: "treasure-island",
        title: "Treasure Island",
        author: "Robert Louis Stevenson",
        year: 1883,
        audience: Band::YoungAdult,
        language: "en",
        text: include_str!("texts/treasure-island.txt"),
    },
    Book {
        id: "quijote",
        title: "Don Quijote de la Mancha",
        author: "Miguel de Cervantes",
        year: 1605,
        audience: Band::YoungAdult,
        language: "es",
        text: include_str!("texts/quijote.txt"),
    },
    Book {
        id: "pride-and-prejudice",
        title: "Pride and Prejudice",
        author: "Jane Austen",
        year: 1813,
        audience: Band::Adult,
        language: "en",
        text: include_str!("texts/pride-and-prejudice.txt"),
    },
    Book {
        id: "walden",
        title: "Walden",
        author: "Henry David Thoreau",
        year: 1854,
        audience: Band::Adult,
        language: "en",
        text: include_str!("texts/walden.txt"),
    },
];
