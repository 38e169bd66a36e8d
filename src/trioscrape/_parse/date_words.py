"""Words in dates: months in the languages that feeds are written in, and zones. Pure tables."""

from __future__ import annotations

import unicodedata
from typing import Final

_ENGLISH: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

# Stems, because languages inflect: "марта", "marca", "März". In the order of the months, with the
# alternatives of one month between slashes; accents don't count. English names come before all of these.
_STEMS: Final = """
  jan feb mar/mrz apr mai jun jul aug sep okt nov dez
  janv fev mars avr mai juin juil aout sept oct nov dec
  ene feb mar abr may jun jul ago sep/set oct nov dic
  jan fev mar abr mai jun jul ago set out nov dez
  gen feb mar apr mag giu lug ago set ott nov dic
  gen febr marc abr maig juny jul ago set oct nov des
  ian feb mar apr mai iun iul aug sep oct noi dec
  jan feb mrt/maart apr mei jun jul aug sep okt nov dec
  jan feb mar/mart apr maj jun jul aug sep okt nov dec/des
  tammi helmi maalis huhti touko kesa heina elo syys loka marras joulu
  jaan veeb mart apr mai juuni juuli aug sept okt nov dets
  sau vas kov bal geg bir lie rugp/rgp rugs/rgs spal/spa lap gruo
  sty lut mar kwi maj cze lip sie wrz paz lis gru
  led uno bre dub kve cervn/cerven cervenc/cervenec srp zar rij list pro
  jan feb marc apr maj jun jul aug szep okt nov dec
  oca sub mar nis may haz tem agu eyl eki kas ara
  jan feb mar apr mei jun jul agu/agt sep okt nov des
  янв фев мар апр май/мая июн июл авг сен окт ноя дек
  січ лют бер кві тра чер лип сер вер жов лис гру
  яну фев мар апр май юни юли авг сеп окт ное дек
  јан феб мар апр мај јун јул авг сеп окт нов дец
  ιαν φεβ μαρ απρ μαι ιουν ιουλ αυγ σεπ οκτ νοε δεκ
  ינו פבר מרץ אפר מאי יונ יול אוג ספט אוק נוב דצמ
  يناير فبراير مارس أبريل/ابريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
  1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月
  一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月
  1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월
"""

_ZONES: Final = """
  0 z ut utc gmt wet
  60 cet met mez bst west wat
  120 cest cedt mest mesz eet cat sast
  180 msk eest idt eat trt
  210 irst
  240 msd gst
  300 pkt
  330 ist
  420 wib ict
  480 hkt sgt pht awst wita myt
  540 jst kst wit
  570 acst
  600 aest
  630 acdt
  660 aedt
  720 nzst
  780 nzdt
  -120 brst
  -150 ndt
  -180 adt brt art clst uyt
  -210 nst
  -240 ast at edt clt
  -300 est et cdt pet
  -360 cst ct mdt
  -420 mst mt pdt
  -480 pst pt akdt
  -540 akst hdt
  -600 hst
"""

OFFSETS: Final[dict[str, int]] = {
    name: int(offset) for offset, *names in map(str.split, _ZONES.split("\n")[1:-1]) for name in names
}
"""Minutes east of UTC. Where a name has several meanings it is that of RFC 822, then the one of the most
people: IST is India's and BST is Britain's. ET and the like are standard time, as feedparser has them."""


def without_accents(text: str) -> str:
    """`text` in lower case, without accents; full-width digits and letters become plain ones."""
    if text.isascii():
        return text.lower()
    letters = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) != "Mn")
    return unicodedata.normalize("NFC", "".join(letters)).lower()


_MONTHS: Final[dict[str, int]] = {
    stem: number
    for line in without_accents(_STEMS).strip().split("\n")
    for number, stems in enumerate(line.split(), 1)
    for stem in stems.split("/")
}
_LONGEST: Final = max(map(len, _MONTHS))


def month_number(word: str) -> int | None:
    """The month that `word` (lower case, no accents) names: three letters of an English name, or a stem."""
    word = word.removeprefix("0")
    if len(word) < 3:
        return _MONTHS.get(word)
    for number, name in enumerate(_ENGLISH, 1):
        if name.startswith(word):
            return number
    stems = (word[:length] for length in range(min(len(word), _LONGEST), 2, -1))
    return next((_MONTHS[stem] for stem in stems if stem in _MONTHS), None)
