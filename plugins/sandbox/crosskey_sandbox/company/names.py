# ruff: noqa: RUF001 - the letters that look like others are the point
"""Names in many scripts. All combinations are made up; ``native:latin`` gives the spelling that a login uses."""

from __future__ import annotations

import unicodedata

import msgspec

__all__ = ("CULTURES", "WEIGHTS", "Culture", "ascii_name")

_LETTERS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "æ": "ae", "đ": "d", "ı": "i", "ð": "d", "þ": "th"})


class Culture(msgspec.Struct, frozen=True):
    """Where somebody's name comes from: names with their Latin spelling, and how a full name is put together."""

    language: str
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]
    family_first: bool = False
    joiner: str = " "

    def display(self, given: str, family: str) -> str:
        """The full name in this culture's order."""
        return self.joiner.join((family, given) if self.family_first else (given, family))


def ascii_name(name: str) -> str:
    """A Latin name without diacritics, lower case, letters only: ``Wiśniewska`` → ``wisniewska``."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())


def _names(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (name.replace("_", " ").partition(":") for name in text.split())
    return tuple((native, ascii_name(latin or native)) for native, _, latin in pairs)


def _culture(language: str, given: str, family: str, *, family_first: bool = False, joiner: str = " ") -> Culture:
    return Culture(language, _names(given), _names(family), family_first, joiner)


_WEIGHTED: tuple[tuple[int, Culture], ...] = (
    (
        34,
        _culture(
            "en",
            "Amelia Oliver Isla George Ava Harry Freya Alfie Grace Oscar Poppy Rhys Niamh Callum Siân Owen",
            "Smith Jones Taylor Brown Walker O'Neill Wright Hughes Clarke Harrison-Lee Fletcher Hartley Osborne "
            "MacDonald St_John Ashworth",
        ),
    ),
    (
        9,
        _culture(
            "de",
            "Jürgen Käthe Björn Zoë Günter Anneliese Sören Ute Jörg Heike Matthias Renate",
            "Müller Schröder Groß Weiß Köhler von_Ahlen Bäcker Jäger Löwe Krüger Strauß Vogt",
        ),
    ),
    (
        9,
        _culture(
            "pl",
            "Łukasz Zofia Paweł Małgorzata Święcisława Grażyna Michał Józef Żaneta Kacper Wiesław Agnieszka",
            "Wiśniewski Dąbrowska Źrebiec Kowalczyk Łęcki Szczęsny Błaszczyk Wójcik Świątek Gołąb Ćwik Żurawska",
        ),
    ),
    (
        8,
        _culture(
            "fr",
            "François Chloé Gaël Zoé Noémie Jérôme Éloïse Benoît Hélène Raphaël Agnès Loïc",
            "Lefèvre Dubois Gérard Hénault Bélanger Côté L'Hermitte Garçon Noël Prévost Desprès Chênevert",
        ),
    ),
    (
        8,
        _culture(
            "es",
            "Álvaro Begoña Íñigo Martín Lucía Andrés Sofía Joaquín Inés Ángel Ximena Raúl",
            "Muñoz García_Lorente Peña Ibáñez Núñez de_la_Cruz Gómez Yáñez Pérez Ávila Zúñiga Córdoba",
        ),
    ),
    (
        4,
        _culture(
            "sv",
            "Åsa Göran Märta Ingvar Örjan Linnéa Håkan Saga Björn Ylva Åke Torun",
            "Åkesson Sjöberg Lindström Östlund Nyström Ekwall Hägg Söder Bäckman Öberg Wång Löfgren",
        ),
    ),
    (
        3,
        _culture(
            "el",
            "Νίκος:Nikos Ελένη:Eleni Γιώργος:Giorgos Μαρία:Maria Σπύρος:Spyros Δήμητρα:Dimitra Χρήστος:Christos "
            "Αθηνά:Athina Πέτρος:Petros Ιωάννα:Ioanna",
            "Παππάς:Pappas Βλάχος:Vlachos Μακρής:Makris Αγγέλου:Angelou Καραλής:Karalis Γεωργίου:Georgiou "
            "Ψαρρός:Psarros Θεοδώρου:Theodorou Ξένος:Xenos Ράπτης:Raptis",
        ),
    ),
    (
        4,
        _culture(
            "uk",
            "Олена:Olena Тарас:Taras Юлія:Yuliia Богдан:Bohdan Їванка:Yivanka Сергій:Serhii Ганна:Hanna "
            "Михайло:Mykhailo Катерина:Kateryna Ярослав:Yaroslav",
            "Ковальчук:Kovalchuk Шевчик:Shevchyk Бойко:Boiko Гриценко:Hrytsenko Щербак:Shcherbak Ткаченко:Tkachenko "
            "Їжак:Yizhak Лисенко:Lysenko Мороз:Moroz Жук:Zhuk",
        ),
    ),
    (
        4,
        _culture(
            "ar",
            "ليلى:Layla عمر:Omar فاطمة:Fatima يوسف:Yusuf نور:Nour خالد:Khaled سارة:Sara "
            "طارق:Tariq مريم:Maryam حسن:Hassan",
            "الحداد:Alhaddad النجار:Alnajjar منصور:Mansour الخياط:Alkhayyat صباغ:Sabbagh العطار:Alattar "
            "البنا:Albanna زيدان:Zaydan قاسم:Qasim شاهين:Shahin",
        ),
    ),
    (
        2,
        _culture(
            "he",
            "נועה:Noa איתן:Eitan תמר:Tamar יונתן:Yonatan מיכל:Michal אורי:Uri שירה:Shira גיל:Gil",
            "כהני:Kahani לביא:Lavi ברק:Barak שגב:Sagev אלמוג:Almog רגב:Regev ארז:Erez נחמני:Nachmani",
        ),
    ),
    (
        5,
        _culture(
            "hi",
            "आरव:Aarav प्रिया:Priya रोहन:Rohan अनन्या:Ananya विक्रम:Vikram नेहा:Neha "
            "अर्जुन:Arjun मीरा:Meera किरण:Kiran सुनीता:Sunita",
            "शर्मा:Sharma वर्मा:Verma जोशी:Joshi मेहता:Mehta चौधरी:Chaudhary नायर:Nair देसाई:Desai "
            "मिश्रा:Mishra राव:Rao सेन:Sen",
        ),
    ),
    (
        4,
        _culture(
            "zh",
            "小明:Xiaoming 丽华:Lihua 志强:Zhiqiang 雨桐:Yutong 建国:Jianguo 思敏:Simin 浩然:Haoran 静怡:Jingyi",
            "王:Wang 李:Li 张:Zhang 刘:Liu 陈:Chen 欧阳:Ouyang 赵:Zhao 黄:Huang 司马:Sima 吴:Wu",
            family_first=True,
            joiner="",
        ),
    ),
    (
        3,
        _culture(
            "ja",
            "さくら:Sakura 健太:Kenta 美咲:Misaki 翔:Sho 陽子:Yoko 大輔:Daisuke ひかり:Hikari 直樹:Naoki",
            "佐藤:Sato 鈴木:Suzuki 髙橋:Takahashi 田中:Tanaka 渡邉:Watanabe 山本:Yamamoto 中村:Nakamura 小林:Kobayashi",
            family_first=True,
        ),
    ),
    (
        3,
        _culture(
            "ko",
            "민준:Minjun 서연:Seoyeon 지훈:Jihoon 하은:Haeun 도윤:Doyun 수아:Sua 현우:Hyunwoo 지민:Jimin",
            "김:Kim 이:Lee 박:Park 최:Choi 정:Jung 강:Kang 조:Cho 남궁:Namgung",
            family_first=True,
            joiner="",
        ),
    ),
)
CULTURES: tuple[Culture, ...] = tuple(culture for _, culture in _WEIGHTED)
WEIGHTS: tuple[int, ...] = tuple(weight for weight, _ in _WEIGHTED)
