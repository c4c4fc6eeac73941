//! Names of people in their own scripts, and in ASCII for their addresses.

use fastrand::Rng;

/// A person's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) first_ascii: &'static str,
    pub(super) last_ascii: &'static str,
    pub(super) country: &'static str,
}

/// Countries and the names that are common there, each in its own script and in ASCII.
struct Region {
    countries: &'static [&'static str],
    first: &'static [(&'static str, &'static str)],
    last: &'static [(&'static str, &'static str)],
}

/// Returns a random person.
pub(super) fn person(rng: &mut Rng) -> Person {
    let region = &REGIONS[rng.usize(..REGIONS.len())];
    let (first, first_ascii) = region.first[rng.usize(..region.first.len())];
    let (last, last_ascii) = region.last[rng.usize(..region.last.len())];
    Person { first, last, first_ascii, last_ascii, country: region.countries[rng.usize(..region.countries.len())] }
}

#[rustfmt::skip]
const REGIONS: [Region; 15] = [
    Region {
        countries: &["US", "GB", "CA", "AU"],
        first: &[("James", "james"), ("Mary", "mary"), ("Olivia", "olivia"), ("Liam", "liam"), ("Aisha", "aisha"),
            ("Seán", "sean"), ("Zoë", "zoe"), ("Noah", "noah")],
        last: &[("Smith", "smith"), ("O’Connor", "oconnor"), ("Johnson", "johnson"), ("Brontë", "bronte"),
            ("Williams", "williams"), ("Nguyen", "nguyen"), ("St. John", "stjohn"), ("Taylor", "taylor")],
    },
    Region {
        countries: &["DE", "AT", "CH"],
        first: &[("Jörg", "joerg"), ("Käthe", "kaethe"), ("Anna", "anna"), ("Lukas", "lukas"), ("Günther", "guenther"),
            ("Sophie", "sophie")],
        last: &[("Müller", "mueller"), ("Groß", "gross"), ("Schäfer", "schaefer"), ("von der Höhe", "vonderhoehe"),
            ("Weiß", "weiss"), ("Köhler", "koehler")],
    },
    Region {
        countries: &["FR", "BE"],
        first: &[("Élodie", "elodie"), ("François", "francois"), ("Chloé", "chloe"), ("Jean-Luc", "jean-luc"),
            ("Noël", "noel"), ("Inès", "ines")],
        last: &[("Lefèvre", "lefevre"), ("Dupont", "dupont"), ("Bérénger", "berenger"), ("Garçon", "garcon"),
            ("d’Église", "deglise"), ("Moreau", "moreau")],
    },
    Region {
        countries: &["ES", "MX", "AR", "BR", "PT"],
        first: &[("José", "jose"), ("María", "maria"), ("João", "joao"), ("Iñigo", "inigo"), ("Lucía", "lucia"),
            ("Conceição", "conceicao")],
        last: &[("García Núñez", "garcianunez"), ("Fernández", "fernandez"), ("Gonçalves", "goncalves"),
            ("Muñoz", "munoz"), ("Araújo", "araujo"), ("Ibáñez", "ibanez")],
    },
    Region {
        countries: &["PL", "CZ", "SK", "HU", "RO"],
        first: &[("Łukasz", "lukasz"), ("Žofie", "zofie"), ("Jiří", "jiri"), ("Ágnes", "agnes"), ("Ștefan", "stefan"),
            ("Małgorzata", "malgorzata")],
        last: &[("Wójcik", "wojcik"), ("Dvořák", "dvorak"), ("Šťastný", "stastny"), ("Kovács", "kovacs"),
            ("Ionescu", "ionescu"), ("Żółć", "zolc")],
    },
    Region {
        countries: &["SE", "NO", "DK", "IS", "FI"],
        first: &[("Åsa", "asa"), ("Søren", "soren"), ("Björk", "bjork"), ("Väinö", "vaino"), ("Øystein", "oystein")],
        last: &[("Åström", "astrom"), ("Kjærgård", "kjargard"), ("Guðmundsdóttir", "gudmundsdottir"),
            ("Hämäläinen", "hamalainen"), ("Bø", "bo")],
    },
    Region {
        countries: &["TR", "VN"],
        first: &[("İbrahim", "ibrahim"), ("Ayşe", "ayse"), ("Nguyệt", "nguyet"), ("Đức", "duc"), ("Işıl", "isil")],
        last: &[("Yılmaz", "yilmaz"), ("Öztürk", "ozturk"), ("Trần", "tran"), ("Phạm", "pham"), ("Çelik", "celik")],
    },
    Region {
        countries: &["RU", "UA", "BG", "KZ"],
        first: &[("Анна", "anna"), ("Дмитрий", "dmitry"), ("Олександр", "oleksandr"), ("Светлана", "svetlana"),
            ("Юлія", "yuliia")],
        last: &[("Иванова", "ivanova"), ("Шевченко", "shevchenko"), ("Щербаков", "shcherbakov"),
            ("Петрова", "petrova"), ("Ющенко", "yushchenko")],
    },
    Region {
        countries: &["GR", "CY"],
        first: &[("Γιώργος", "giorgos"), ("Ελένη", "eleni"), ("Σοφία", "sofia"), ("Νίκος", "nikos")],
        last: &[("Παπαδόπουλος", "papadopoulos"), ("Γεωργίου", "georgiou"), ("Ιωαννίδης", "ioannidis"),
            ("Οικονόμου", "oikonomou")],
    },
    Region {
        countries: &["CN", "TW", "HK", "SG"],
        first: &[("伟", "wei"), ("秀英", "xiuying"), ("敏", "min"), ("志明", "chihming"), ("思睿", "sirui")],
        last: &[("王", "wang"), ("李", "li"), ("欧阳", "ouyang"), ("陳", "chen"), ("張", "zhang")],
    },
    Region {
        countries: &["JP"],
        first: &[("さくら", "sakura"), ("太郎", "taro"), ("ユキ", "yuki"), ("美咲", "misaki"), ("けんじ", "kenji")],
        last: &[("佐藤", "sato"), ("さいとう", "saito"), ("ヤマダ", "yamada"), ("高橋", "takahashi"),
            ("小鳥遊", "takanashi")],
    },
    Region {
        countries: &["KR"],
        first: &[("민준", "minjun"), ("서연", "seoyeon"), ("지우", "jiwoo"), ("하은", "haeun")],
        last: &[("김", "kim"), ("이", "lee"), ("박", "park"), ("남궁", "namgung")],
    },
    Region {
        countries: &["EG", "SA", "AE", "MA", "IR"],
        first: &[("محمد", "mohammed"), ("فاطمة", "fatima"), ("يوسف", "youssef"), ("ليلى", "layla"),
            ("عبد الرحمن", "abdulrahman")],
        last: &[("الخطيب", "alkhatib"), ("حسن", "hassan"), ("العلي", "alali"), ("منصور", "mansour"), ("کریمی", "karimi")],
    },
    Region {
        countries: &["IL"],
        first: &[("דוד", "david"), ("נועה", "noa"), ("שרה", "sarah"), ("איתי", "itai")],
        last: &[("כהן", "cohen"), ("לוי", "levi"), ("בן־דוד", "bendavid"), ("מזרחי", "mizrahi")],
    },
    Region {
        countries: &["IN", "BD", "LK", "TH"],
        first: &[("प्रिया", "priya"), ("अर्जुन", "arjun"), ("ரவி", "ravi"), ("অনন্যা", "ananya"), ("สมชาย", "somchai")],
        last: &[("शर्मा", "sharma"), ("सिंह", "singh"), ("குமார்", "kumar"), ("চক্রবর্তী", "chakraborty"),
            ("ใจดี", "jaidee")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_ascii_form() {
        for (name, ascii) in REGIONS.iter().flat_map(|region| region.first.iter().chain(region.last)) {
            let good = !ascii.is_empty() && ascii.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            assert!(good, "{name}: {ascii}");
        }
    }
}
