"""Numbers and sizes of a sentence or cell with what they are: by the words beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from convlab.lecture.tokens import Number, Token, tokens
from convlab.lecture.words import ADJECTIVES, HALVES, quoted

COUNTS = ("weights", "parameters", "biases", "work", "connections", "values", "bytes", "positions")
"""Roles of what is counted."""


@dataclass(frozen=True)
class Mention:
    """A number or size with its role.

    ``typed``: a word says the role, not the place; ``out``: words say that it results from
    something; ``given``: that it goes into something; ``about``: it may be rounded; ``unit``: of
    bytes; ``operation``: of a kernel, as in ``Layer``.
    """

    role: str
    numbers: tuple[Number, ...]
    start: int
    end: int
    text: str
    typed: bool = True
    out: bool = False
    given: bool = False
    about: bool = False
    unit: str = ""
    operation: str = ""
    times: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        whole = [number.whole() for number in self.numbers]
        return tuple(n for n in whole if n is not None) if None not in whole else ()

    @property
    def number(self) -> Number:
        return self.numbers[0]

    @property
    def one(self) -> int:
        return self.sizes[0]


# --- what is no quantity of a network ----------------------------------------------------------

_NUMBER = r"\d+(?:[.,]\d+)*"
_IGNORED = re.compile(
    rf"""\b(?:fig(?:ure)?s?|tab(?:le)?|eqn?s?|equations?|sec(?:tion)?s?|chapters?|chap|ch|pages?|pp|slides?
        |lectures?|weeks?|exercises?|problems?|questions?|examples?|appendix|listing|versions?|theorem
        |episodes?|lessons?|notes?|homework|assignments?|parts?|relations?|stages?|tutorial|lab|labs
        |blocks?|nos?|class|layers?|days?|rooms?|minutes?|tasks?|points?
        |number(?=\ \d{{1,3}}\b(?!,\d))|quiz
        |top|isbn|doi|arxiv|seed|python|rule|windows|imagenet|gtx|rtx|cifar|steps?(?=\ \d+[.:]))\b
        \.?[\ -]*\(?\#?{_NUMBER}\)?(?:\s?[-–]\s?{_NUMBER})?
        (?!\d|\s*(?:[×x]\s*\d|[\ -]by[\ -]))
    |\bbatch(?:es)?(?:\ size)?\s(?:of\s|is\s|=\s?)?{_NUMBER}
    |\b(?:p|ch|sec|fig|eq|no)\.\s?{_NUMBER}
    |\[{_NUMBER}(?:\s*[,–-]\s*{_NUMBER})*\](?!\s*(?:param|weights))
    |\b\d+(?:st|nd|rd|th)\b
    |(?<![\w.,]){_NUMBER}[\s-]?(?:ms|µs|seconds?|minutes?|mins?\b|hours?|days?|weeks?|months?
        |bits?|[kmg]?hz|epochs?|watts?|fps|cm|mm|students?|points?|years?|lines|pages|slides|people
        |iterations|batches|examples|percentage|tries|copies|times(?=[\ .,])
        |gpus?|cores|training\ images|test\ images|credits|euros?|cameras|repetitions|runs|o'clock
        |degrees?|dpi|am\b|pm\b)\b(?!\ (?:fewer|less|smaller|more|larger|cheaper|as))
    |\b(?:{_NUMBER}|two|three|four|five|six|seven|eight|nine|ten)[\s-](?:fold|folds)\b(?!\s*\d)
    |(?<![\w.,×x])(?:19[4-9]\d|20[0-4]\d)(?![\w,.]\d|\s*[×x]\s*\d|\s*(?:weights|param|bias|multip|unit|neuron
        |input|value|connect|\w+\ (?:weights|param))|\w)
    |\b\d{{1,2}}(?::\d{{2}}){{1,2}}\b
    |\b(?:lr|learning\ rate|momentum|dropout|accuracy|loss|error)\b[^.;,]{{0,14}}?{_NUMBER}
        (?:e-?\d+)?
    |\b\d+(?:\.\d+)?e-?\d+\b
    |(?:€|\$)\s?{_NUMBER}\b(?=\s*(?:million|billion|k\b|euros?|dollars?))
    |\b(?:one|two|three|four|five)\s(?:way|ways|thing|things|reason|reasons|more|hand|could|can|might|should
        |may|extra|sets?|times|sides?|directions?|steps?|dimensions?|axes|numbers\ only|cases|days
        |famous|questions?|counts?|parts?|towers|grid|further|last|next|previous
        |of\ (?:you|us|them|these|those))\b
    |\b(?:this|that|which|no|any|every|each|the|last|first|another|big|small|next|other|new|only|second
        |longer|smaller|larger)\sone\b(?!-)
    |\bone\s(?:another|obtains|gets|has|sees|says|by\ one|of|position|output\ (?:value|number)
        |unit|step|thus
        |pixel|after|would|number|value)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)

# --- single numbers -----------------------------------------------------------------------------

_IS = (
    r"(?: ?(?:of|is|are|was|were|be|=|:|equals?|equal to|by|with|only|just|size|factor|rate|width"
    r"|amount|to|a|an|the|set|about|chosen|as|again|also|value|it|must|has to|needs to|should"
    r"|now)(?![\w'])| ?[=:(])* ?-?"
)
_STAMPS = r"(?:kernels?|filters?|masks?|stamps?|windows?|convolutions?|templates?|taps)"
_SIDE = (
    r"(?:pixels?|px|voxels?|cells?)? ?(?:on (?:a|each|every|the|either) side|each way|either way"
    r"|square"
    r"|a side|along each|in each direction|per side|across|wide(?: and|,)? (?:high|tall)|wide)\b"
)
_LONG = r"(?:samples?|bins?|frames?|time[- ]?steps?|tokens?|characters?|points)\b"
_A = ADJECTIVES
# What a number, which stands as §, is by the words around it: the first pattern that fits.
_AROUND = [
    ("output_padding", rf"\boutput[ _]padding{_IS} ?§"),
    ("stride", (rf"\b(?:strides?|step size|steps?|hops?|jumps?|moves?|moved|moving"
               rf"|slid\w*){_IS} ?§(?! ?[×x%])")),
    ("stride", (r"\bs(?:_\w+)? ?[=:] ?§|§ (?:samples?|pixels?|cells|frames|bins|px)? ?(?:at a time"
               r"|per step)|\bevery § pixels|\bstrided? ?§|\bconv ?/ ?§|\d ?[×x] ?\d+ ?/ ?§")),
    ("padding", (rf"\b(?:zero[- ]?)?padd?(?:ing|ed|s)?{_IS} ?§(?! ?[×x])(?! (?:channels|filters"
                rf"|maps(?! \d)|and the))")),
    ("padding", (r"\bp(?:_\w+)? ?[=:] ?§(?! ?[%])|\b(?:border|margin|frame) (?:of|is|must be"
                r"|has to be|needs to be) §")),
    ("padding", (r"§ (?:(?:pixels?|rows?|px|cells?|zeros?) )?(?:wide"
                r" )?(?:of )?(?:zero[- ])?(?:padding|border)\b")),
    ("padding", (r"§ (?:zeros? (?:on|at) (?:each|both|either|every)|(?:rows?|columns?|rings?"
                r"|pixels?) of zeros)")),
    ("dilation", (rf"\b(?:dilat(?:ion|ed|ions)|atrous)(?: rates?| factor)?{_IS} ?§(?! ?[×x])"
                 rf"|\bdilation[ _]rate ?[=:] ?§")),
    ("dilation", (rf"\b(?<!learning )(?<!dropout )rate{_IS} ?§(?![.%])(?! ?[×x])|\bd ?= ?§|(?:rate"
                 rf"|dilat\w*)\W+r ?= ?§")),
    ("groups", (r"\bgroups? ?[=:] ?§|\bg ?= ?§|\b(?:in|into|with|of|using) § (?:\w+ )?groups\b"
               r"|§ groups\b|grouped (?:in|into|by) §")),
    ("kernel", (rf"\b{_STAMPS}[- ](?:size|width|side|length)s?{_IS} ?§(?! ?[×x])"
               rf"|\b[fk](?:_\w+)? ?[=:] ?§|\b(?:kernel|window) §(?! ?[×x])")),
    ("kernel", (rf"\b{_STAMPS} of (?:length|size|width|side) §|(?:length|width"
               rf"|size)[- ]+§ {_STAMPS}|§[- ]tap\b|§ taps\b")),
    ("kernel", rf"§[- ](?:long|wide|sample|pixel)s? {_STAMPS}"),
    ("filters", (rf"\b(?:output channels?|out_channels|output depth|c_out|number of (?:filters"
                rf"|kernels|output channels|feature maps)|n_c|n_f|k) ?(?:{_IS}) ?§")),
    ("inputs", rf"\b(?:input channels?|in_channels|input depth|c_in|n_c_prev){_IS} ?§"),
    ("depth", (r"\b(?:third dimension|depth|channel dimension|number of channels"
              r"|channels?)(?: of (?:the |its )?(?:output|result"
              r"|map|volume))? (?:is|be|becomes|stays?(?: at)?|remains|goes (?:up |down )?to"
              r"|grows to|drops to|of|=|:) ?(?:now |still |again )?§")),
    ("percent", r"§ ?(?:%|percent\b|per cent\b)"),
    ("ratio", (r"§ ?[×x](?= (?:fewer|less|smaller|more|larger|bigger|cheaper|saving|reduction"
              r"|lighter|the|as))")),
    ("ratio", (r"\bfactor (?:of )?(?:about |roughly |almost |nearly |around |some "
              r"|only )?§(?! ?[×x])")),
    ("ratio", (r"§ times (?:fewer|less|smaller|more|larger|bigger|cheaper|as (?:many|much|large"
              r"|big)|the|heavier|lighter|that)")),
    ("bytes", r"§[ -]?(?:[kmgt]i?b|(?:kilo|mega|giga|kibi|mebi|gibi)?bytes?)\b"),
    ("filters", (rf"§ (?:{_A})?(?:\d+(?: ?[×x] ?\d+)+|\(\d+(?:, ?\d+)+\)"
                rf"|\w+[ -]by[ -]\w+) ?{_A}(?:filters?|kernels?|masks?)\b")),
    ("times", (rf"§ {_A}(?:\d+ ?[×x] ?\d+|\w+[ -]by[ -]\w+|such|more|stacked) ?{_A}(?:conv\w*"
              rf"|layers?|ones)\b")),
    ("parameters", (rf"§ {_A}(?:param(?:eter)?s?|learnables?|unknowns|trainables?"
                   rf"|degrees of freedom)\b(?! sharing)")),
    ("parameters", (rf"§ {_A}(?:trainable|adjustable|learn\w+|tunable|free) (?:numbers?|values"
                   rf"|quantities|scalars)\b"
                   r"|§ numbers? to (?:learn|train|fit)\b")),
    ("weights", rf"§ {_A}(?:weights?|coefficients?)\b(?! layers?| matri)"),
    ("biases", rf"§ {_A}bias(?:es)?\b(?! vector)"),
    ("work", (rf"§ {_A}(?:multiplications?|multiplies|mults?|multiply[- ]\w+|macs?|mult-?adds"
             rf"|flops?|operations|ops|products)\b")),
    ("connections", rf"§ {_A}connections?\b"),
    ("positions", (rf"§ {_A}(?:positions|windows|placements|locations|patches|places)\b(?! size"
                  rf"| of)")),
    ("times", rf"§ {_A}(?:layers?|convolutions?|convs?)\b(?! in total)"),
    ("filters", (rf"§ {_A}(?:filters?|kernels?|stamps?|templates?|blends?|detectors?)\b(?! size"
                rf"| width)")),
    ("values", r"\b(?:vector|flatten\w*)\b[^.;|]{0,40}\b(?:length|size)(?: of| is|:)? §(?! ?[×x])"),
    ("side", (rf"§ {_SIDE}|\blength(?: of| is| =|:)? ?§(?! ?[×x])|§ {_LONG}|§ (?:samples "
             rf"|pixels )?long\b|\bo(?:_\w+)? ?= ?§")),
    ("given", (r"\bn(?:_\w+)? ?[=:] ?§(?! ?[×x])|\b(?:input|image|picture)(?: size| side| width| is"
              r"| of|:| =)* §(?! ?[×x])"
              rf"(?! {_A}(?:channels?|values?|units?|neurons?|features?|maps?|numbers?|pixels"
              rf"|images?|classes)\b)")),
    ("result", (r"\boutput(?: size| side| width| is| of|:| =)* §(?! ?[×x])"
               rf"(?! {_A}(?:channels?|values?|units?|neurons?|features?|maps?|numbers?|pixels"
               rf"|filters?)\b)")),
    ("side", rf"\b(?:width|height|side|spatial size)s?{_IS} ?§(?! ?[×x])"),
    ("filters", (r"§ (?:different|distinct|separate|such|of them|new)(?: (?:ones?|channels?|maps?"
                r"|features?))?\b|§ ?@")),
    ("filters", r"§ (?:coming |going )?out\b"),
    ("inputs", (r"§ (?:channels? |maps |planes )?(?:coming |going )?in\b(?! (?:total|all|each|the|a"
               r"|both|every|this|our))")),
    ("inputs", (r"\b(?:takes|reads?|reading|on|over|from|across|through|all|those|these"
               r"|previous)(?: (?:all|those|these|the|its))? §"
               r"(?= (?:\w+ )?(?:channels?|maps?|planes|features?)\b(?! out))")),
    ("inputs", (r"§[ -](?:input (?:channels?|maps?)|colou?r channels?|colou?rs|planes|leads?|bands?"
               r"|sensors?|electrodes?)\b")),
    ("inputs", r"§-channel\b"),
    ("filters", r"§ (?:output channels?|output maps?|out-channels)\b"),
    ("maps", r"§ \d+ ?[×x] ?\d+ (?:feature[- ])?maps\b"),
    ("maps", rf"§ {_A}(?:channels?|feature[- ]maps?|maps?|slices|ch)\b(?! (?:an? )?\d)"),
    ("values", r"§ (?:input (?:values?|units?|numbers?|features?|neurons?|pixels?)|inputs?)\b"),
    ("units", rf"§ {_A}(?:neurons?|units?|classes|outputs|nodes|logits|scores|hidden|digits)\b"),
    ("values", (rf"§[ -]{_A}(?:numbers?|values?|activations?|intensities|scalars|features?|entries"
               rf"|elements?|pixels"
               r"|components|voxels|dimensions|-?dimensional|-?vector|cells|floats)\b")),
    ("filters", r"\b(?:makes?|made|making|wants?) (?:only )?§(?! ?[×x]| \w+ (?:weights|param))"),
]  # fmt: skip
# Labels in front of a number whose place says nothing.
_TO = (
    r"[^:=|→.≈;]{0,44}(?:[:=→≈]|\bis|\bare|\b(?:comes?|amounts?|adds? up) to|\btotal\w*|\bnumber"
    r"|\bcount)[\s*$~≈]*(?:thus |about |only |roughly |exactly )?§"
)
_LABELS = [
    ("bytes", r"\b(?:bytes|memory)\b" + _TO),
    ("parameters", r"\b(?:params?|parameters?|learnables?|to learn)\b" + _TO),
    ("parameters", r"\b(?:with|including) (?:the |all )?bias(?:es)?\b" + _TO),
    ("weights", r"\bweights?\b" + _TO),
    ("work", r"\b(?:macs?|mult\w*|flops?|operations)\b" + _TO),
    ("connections", r"\bconnections\b" + _TO),
    ("values", (r"\b(?:inputs|values|activations|vector|flatten(?:ed|s"
               r"|ing)?(?: \w+)?)\b[^:=|→.]{0,20}(?:[:=→≈]|length|size|of|to)\W*§")),
    ("units", (r"\b(?:dense|fc|linear|fully[- ]connected)(?: layer)?[ (:,=]+(?:of |with |has "
              r"|to )?§(?! ?[×x→%])")),
]  # fmt: skip
_NARROWS = re.compile(
    r"\b(?:reduc\w+|bring\w*|squeez\w+|cut\w*|expand\w*|goes|go|going|comes?|shrink\w*|widen\w*"
    r"|compress\w*)"
    r"(?: (?:it|them|this|these|that|the (?:channels|depth|number)|(?:their|its) (?:number"
    r"|depth)))?(?: (?:down|up|back))* to $"
)
_FRACTIONS = {
    word: part
    for part, word in enumerate(
        ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), 2
    )
} | {"fourth": 4}
_FRACTION = re.compile(
    rf"\b(?:(?:an?|one|only|exactly|just|about)[ -])?({'|'.join(_FRACTIONS)})\b(?= (?:of|as|the)\b"
    rf"(?! (?:the )?(?:points?|marks?|credits?|class|time|grade)\b)|[.,;)]|$)"
)
_PAIRS = [
    (r"(?:from|maps?|reduc\w+|squeez\w+|tak\w+|turn\w*|expand\w*|connect\w*|joins?|links?|ties?"
    r"|couples?|between)(?: \w+){0,2}? {n}"
    r"(?: \w+)?(?: channels?| maps?| units?| inputs?| features?| neurons?)?(?: \w+)? (?:down |up )?"
    r"(?:to|into|→|and|with) (?:\w+ )?{n}(?!\s*[×x%])(?! ?times)"),
    r"{n} input(?: channels?| maps?)?(?:,| and) {n} output(?: channels?| maps?)",
    r"{n} (?:input )?channels?(?: \w+)? (?:to|into|→) (?:\w+ )?{n}(?!\s*[×x])",
    r"{n} (?:input )?channels?(?:,| and) {n}(?= output| channels? out| maps? out| going| out)",
    (r"{n} (?:channels? |maps )?(?:coming )?in(?:put channels?)?(?:,|/| and|;) {n}(?: channels?"
    r"| maps)? (?:going |coming )?out(?:put)?\b"),
    r"{n} ?→ ?{n}(?!\s*[×x·*])(?= (?:channels|maps|units|features)|\W*$|[,;.)])",
]  # fmt: skip
_ONE = (
    r"(\d(?:[\d,]*\d)?(?![\d]|,\d|\s*[×x]\s*\d|\.\d)|(?:one|two|three|four|five|six|eight|ten"
    r"|twelve|sixteen|twenty)\b)(?![\s-]by\b)"
)
_SAME_PAIR = re.compile(
    r"number of channels (?:is|be|=|of) (\d[\d,]*) (?:everywhere|throughout|all the way|always)|"
    r"(\d[\d,]*) (?:channels?|maps) (?:in and out|on both sides|before and after|each way"
    r"|throughout|everywhere)|(\d[\d,]*) (?:input and output|in- and output) (?:channels|maps)"
    r"|(\d[\d,]*) in and out\b"
)
_S = r"\(?(\d+ ?[×x] ?\d+(?: ?[×x] ?\d+)?)\)?"
_CONVOLVED = re.compile(rf"{_S} ?[*∗⊛★⊗] ?{_S} ?(?:=|→|is|gives) ?{_S}")
_WIDE_HIGH = re.compile(
    r"((?:an? )?[\w,]+(?: (?:hundred|thousand))?) (?:pixels? )?wide"
    r" and ((?:an? )?[\w,]+(?: (?:hundred|thousand))?) (?:pixels? )?(?:high|tall)"
)
_SQUARED = re.compile(
    r"(\d[\d,]*) (?:pixels? )?(?:wide and high|high and wide|in width and height)"
)
_ROWS = re.compile(r"(\d+) rows? (?:and|by|×) (\d+) columns?")

_ABOUT = re.compile(
    r"\b(?:about|approximately|approx\.?|roughly|around|nearly|almost|some|circa|ca\.?|over|under"
    r"|(?:more|less|fewer|greater|larger) than|at least|at most|(?<!add )(?<!adds )(?<!sum )up to"
    r"|just over|just under|close to|on the order of|an estimated|barely)\s*$|[~≈∼>]\s*$"
)
_NOT = re.compile(
    r"\b(?:not|never|isn't|aren't|doesn't|don't|no longer|cannot|n't|neither|nor)\b[^,;:.→]*$"
)
_BUT = re.compile(
    r"\b(?:but|only|because|since|if|unless|although|just|pad|padding|change|matter)\b"
)
_FILL = (
    r"(?:\W*\b(?:an?|the|of|to|at|only|just|exactly|size|length|again|output|also|map|shape|you|us"
    r"|back|with|is"
    r"|now|still|side|maps|about|volume|feature|spatial|resulting|by|i\.e\.|we|get|single|one|down"
    r"|up|as|tensor"
    r"|form|\w+ly|activation|new|image|merely|roughly|even|square|full|whole|good|therefore|thus"
    r"|then|hence|dimensions?|torch\.size)\b)*\W*$"
)
_YIELDS = re.compile(
    r"(?:→|=|:|\b(?:receiv\w+|obtain\w*|have|has|giv\w+|gave|gets?|getting|lea(?:ds?|ves?|ving)"
    r"|left|becom\w+"
    r"|down to|up to|you're|we're|is|are|was|were|makes?|making|produc\w+|outputs?|out|results?"
    r"|resulting|to|into"
    r"|yields?|keeps?|emerges?|returns?|ends?|remains?|stays?|arrives?|lands?|so|but|hence"
    r"|thus|therefore|measures?|measuring|comes? (?:out|to|down)|forms?|brings?|drops?|falls?"
    r"|reach(?:es)?|spits? out|count)\b)" + _FILL
)
_SUPPOSED = re.compile(
    r"\b(?:if|suppose|assume|let|when|say|consider|take)\b(?: that)? [^,;.:→]*\b(?:is|are|be|has"
    r"|have|measures?)(?: an?| of| size)* $"
)
_GOES_ON = re.compile(
    r"(?: \w+){0,2}? ?(?:→|\b(?:becomes?|turns?|shrinks?|gives?|yields?|is (?:reduced|turned"
    r"|mapped)|goes|to)\b)"
)
_STRONG = re.compile(
    r"(?:→|\b(?:giv\w+|gets?|becom\w+|lea(?:ve|ving)s?|left|yields?|produc\w+|results?|brings?"
    r"|down to|shrinks? to|returns?|obtain\w*"
    r"|so|still|makes?|keeps?|holds?|hold|turns? into|arrives? at|ends? (?:up|with|at)|outcome"
    r"|remains?|stays?|measures?|grows? to|comes? out))\b"
    r"(?:[\s*_`(\"“]*\b(?!(?:kernels?|filters?|inputs?|images?|pictures?|strides?|padding|windows?"
    r"|conv\w*|pool\w*|layers?|dilat\w*|with|on|over|for)\b)[a-z'’-]+){0,3}[\s*_`(\"“$]*$"
)
_INTO = re.compile(
    r"\b(?:starts? (?:with|from|at)|input|inputs|on|over|applied to|feed\w*|begins? with|from"
    r"|takes?|for|through|onto|across|(?<!output )(?<!volume )(?<!size )(?<!one )(?<!shape"
    r" )(?<!map )(?<!result )(?<!field )(?<!tensor )(?<!maps )of(?! size| shape| length)|turns?"
    r"|maps|halves|padding|pads|upsamples|reduces|convolv\w+|given"
    r"|sees?(?= an? \d+ ?[×x] ?\d+ (?:image|input)))"
    r"(?: (?:an?|the|its|map|image|our|this|that|input|volume|single|one|whole|of|size))*[^\w→=:]*$"
)
_SEES = re.compile(
    r"\b(?:sees?|seen|seeing|looks? (?:at|through|back)|receptive fields?|fields? of view|covers?"
    r"|spans?|spanning"
    r"|reach(?:es)?(?! (?:us|\d+%))|influenced? by|depends on|as (?:much|far|large|wide) as"
    r"|equivalent to|replaces?"
    r"|same (?:\w+ ){0,3}as|effective (?:\w+ )?(?:size|field|extent|kernel)|extent|footprint"
    r"|patch of|views?|(?:stretch(?:es)?|extends?|spreads?|reads?) over)\b|\b(?:r|rf) ?=|(?:→"
    r"|\bspans) an? window of\b"
)
_FIELD_IS = re.compile(
    r"\breceptive field\b[^.;]*?(?:[:=→]| (?:is|are|becomes|equals|measures|grows to|reaches|of))"
    r"(?: (?:only|already|just|exactly|an?|now|then))*\s*$"
)
_AREA = re.compile(
    r"\b(?:window|square|region|area|patch|neighbou?rhood) (?:of|with)(?: size)? \(?$"
)
_SEEN_BEHIND = re.compile(
    r"\W*(?:pixel )?(?:receptive field|field of view|patch of the (?:input|image|picture))"
)

# --- sizes --------------------------------------------------------------------------------------

_KERNEL = (
    r"(?:kernels?|filters?|masks?|windows?|conv(?:olution)?s?|convolutional|pool(?:ing|s)?"
    r"|max-?pool(?:ing|s)?"
    r"|sub-?sampling|avg-?pool(?:ing)?|templates?|stamps?|deconvolutions?|stencils?"
    r"|neighbou?rhoods?|conv\d\w*|layers?|ones?|detectors?|depthwise|pointwise|blur)"
)
_IMAGE = r"(?:input|image|picture|photo(?:graph)?|scan|digit|frame|thumbnail|crop|patchwork)s?"
_ANY = (
    r"(?:feature[- ]maps?|maps?|volumes?|tensors?|arrays?|matri(?:x|ces)|grids?|blocks?"
    r"|activations?|activation maps?|board|planes?|representations?|signals?|shapes?|stack|cube)"
)
_OUTPUT = r"(?:outputs?|results?|output maps?|output volumes?)"
_BEHIND = re.compile(
    rf"(?:\s*(?:px|pixels?|cells?|values))?'?s?[\s-]*{ADJECTIVES}(?:(?P<kernel>{_KERNEL})"
    rf"|(?P<output>{_OUTPUT})|(?P<input>{_IMAGE})|(?P<any>{_ANY}))\b"
)
_WAY = re.compile(r"\s*(in|input|out|output)(?=\s*(?:[,;:)|.]|→|$))")
_SIZE_IS = (
    r"(?:\s*,\s*(?:each (?:of them )?)?|(?:[\s-]*(?:the shape|the size|of|is|are|was|were|=|:|with"
    r"|size|sizes|sized"
    r"|shape|shaped|formats?|dimensions?|measures?|measuring|again|only|also|an?|now|being|spatial"
    r"|therefore|then|thus|still"
    r"|just|hence|exactly|have|has|always|resolution|area|pixels|are all|all|i\.e\.|to be|will|be"
    r"|would|should|must|\()(?![\w]))*[\s-]*)"
)
_BEFORE = re.compile(
    rf"\b(?:(?P<stride>strides?|steps)|(?P<padding>(?<!no )padding)|(?P<dilation>dilation)"
    rf"|(?P<kernel>{_KERNEL})|(?P<output>{_OUTPUT}|out(?=\s*:))|(?P<input>{_IMAGE}|in(?=\s*:))"
    rf"|(?P<any>{_ANY})){_SIZE_IS}$"
)
_SIZED = re.compile(
    rf"(?:[×x,] ?|by )\d+(?:\)|s)? {ADJECTIVES}(?:{_KERNEL}|{_IMAGE})(?: size)?{_SIZE_IS}$"
)
_APPLIED = re.compile(
    r"\b(?:with|by|using|under|via|and an?|sliding an?|slide an?|apply|applying|uses?|only|one"
    r"|single)(?:\s+(?:an?|the))?\s*$"
)
_COUNT_BEFORE = re.compile(r"(?:(?:\bfilters?|\bkernels?)\s*,?|(?:\bmaps|\bchannels|\bunits),)\s*$")
_POOL = r"pool|subsampl|\bmax(?:imum)?\b|strongest|\baverage\b|\bavg\b"
_UP = (
    r"transpos\w*(?: conv\w*)?|up-?conv|deconv|fractionally|adjoint|\bstamp(?:s|ed)? (?:its|copies)"
)


def convolved(lower: str) -> list[tuple[int, int]]:
    """Where a convolution is written as an equation of sizes: 6 × 6 * 3 × 3 = 4 × 4."""
    return [found.span() for found in _CONVOLVED.finditer(lower)]


def mentions(plain: str) -> list[Mention]:
    """The numbers and sizes of a plain text, from left to right."""
    lower = plain.lower() if len(plain.lower()) == len(plain) else plain
    hidden = [found.span() for found in _IGNORED.finditer(lower)] + quoted(lower)
    made = list(_phrases(lower))
    hidden += [(one.start, one.end) for one in made]
    for token in tokens(plain):
        if token.kind not in ("number", "size") or not token.numbers:
            continue
        if any(a < token.end and token.start < b for a, b in hidden):
            continue
        before, behind = lower[: token.start], lower[token.end :]
        glued = behind[:1].isalpha() and not re.match(r"[kmgt]i?b\b|x\b", behind)
        power = before.rstrip().endswith("^") or re.match(r" ?\^", behind)
        if power or glued and token.kind == "number":
            continue
        refused = _NOT.search(before[-80:])
        if refused is not None and not _BUT.search(refused[0]):
            continue
        made.append(_mention(lower, token))
    two = (Number(Fraction(2)),) * 2
    made += [
        Mention("kernel", two, one.start(), one.end(), one[0], operation="pool")
        for one in HALVES.finditer(lower)
    ]
    return _placed(lower, sorted(made, key=lambda one: one.start))


def _phrases(lower: str) -> Iterator[Mention]:
    """What several numbers say together: from 64 to 128, 28 wide and high."""
    for found in _WIDE_HIGH.finditer(lower):
        sides = [t.numbers[0] for i in (1, 2) for t in tokens(found[i]) if t.kind == "number"]
        if len(sides) == 2:
            yield Mention("volume", tuple(sides), found.start(), found.end(), found[0])
    for found in _SQUARED.finditer(lower):
        yield Mention(
            "volume", tokens(found[1])[0].numbers * 2, found.start(), found.end(), found[0]
        )
    for found in _FRACTION.finditer(lower):
        part = Number(Fraction(1, _FRACTIONS[found[1]]), Fraction(1, 1000))
        yield Mention("ratio", (part,), found.start(), found.end(), found[0])
    for found in _ROWS.finditer(lower):
        sides = [tokens(found[i])[0].numbers[0] for i in (1, 2)]
        yield Mention("volume", tuple(sides), found.start(), found.end(), found[0])
    for found in _CONVOLVED.finditer(lower):
        for role, group in (("volume", 1), ("kernel", 2), ("volume", 3)):
            numbers = tuple(n for token in tokens(found[group]) for n in token.numbers)
            yield Mention(
                role,
                numbers,
                found.start(group),
                found.end(group),
                found[group],
                out=group == 3,
                given=group == 1,
            )
    taken: list[tuple[int, int]] = []
    for pattern in _PAIRS:
        for found in re.finditer(pattern.replace("{n}", _ONE), lower):
            if any(a < found.end() and found.start() < b for a, b in taken):
                continue
            taken.append(found.span())
            for role, group in (("inputs", 1), ("filters", 2)):
                numbers = tokens(found[group])[0].numbers
                yield Mention(role, numbers, found.start(group), found.end(group), found[group])
    for found in _SAME_PAIR.finditer(lower):
        group = next(i for i in (1, 2, 3, 4) if found[i])
        numbers = tokens(found[group])[0].numbers
        for role in ("inputs", "filters"):
            yield Mention(role, numbers, found.start(group), found.end(group), found[group])


def _mention(lower: str, token: Token) -> Mention:
    before, behind = lower[: token.start], lower[token.end :]
    made = Mention("number", token.numbers, token.start, token.end, token.text, typed=False,
                   about=_ABOUT.search(before[-24:]) is not None)  # fmt: skip
    seen = _sees(before, behind)
    out = (
        _YIELDS.search(before[-60:]) is not None
        or token.kind == "size"
        and _STRONG.search(before[-60:]) is not None
    )
    given = _INTO.search(before[-60:]) is not None or _SUPPOSED.search(before) is not None
    if token.kind == "size" and len(token.numbers) > 1:
        role, typed = _size_role(before[-70:], behind[:70], token)
        called = (
            re.search(r"\b(?:kernels?|filters?|conv\w*|pool\w*)(?: of)? \(?$", before) is not None
        )
        as_field = _FIELD_OF.search(before) and _FIELDS.search(lower) or not _own_kernel(behind)
        if seen and as_field and len(token.numbers) == 2 and not called and role in _SEEN:
            role, typed = "field", True
        weak = re.search(r"(?::|=|\b(?:is|are|has|have|was))" + _FILL, before[-40:]) is not None
        given = given or weak and _GOES_ON.match(behind) is not None
        return replace(made, role=role, typed=typed, out=out or role == "output", given=given)
    around = f"{before[-70:]}§{behind[:70]}"
    for role, pattern in _AROUND:
        if re.search(pattern, around):
            if role in ("stride", "padding", "dilation") and token.numbers[0].value > 64:
                continue
            if seen and role in ("side", "values"):
                role = "field"
            if role in ("given", "result"):
                role, out, given = "side", role == "result", role == "given"
            elif role == "side" and (noun := _NOUN_OF_SIDE.search(before[-40:])):
                role = "kernel" if noun["kernel"] else role
                out, given = (
                    out and not noun["given"] and role == "side",
                    given or noun["given"] is not None,
                )
            if (
                role in ("filters", "maps")
                and token.numbers[0].value > 999
                and re.match(r" of (?:them|those|these)\b", behind)
            ):
                role = "number"
            unit = re.match(r"[ -]?([a-z]+)", behind) if role == "bytes" else None
            word = unit[1] if unit else ""
            return replace(made, role=role, typed=True, out=out, given=given, unit=word)
    if (
        "channel" in lower
        and token.numbers[0].whole()
        and _NARROWS.search(before[-50:])
        and not re.match(r" ?[×x]|\.\d", behind)
    ):
        return replace(made, role="filters", typed=True)
    if seen and token.numbers[0].whole() is not None and token.numbers[0].value > 2:
        return replace(made, role="field", typed=True)
    for role, pattern in _LABELS:
        if re.search(pattern, around):
            return replace(made, role=role, typed=True, out=True)
    return replace(made, out=out, given=given)


_NOUN_OF_SIDE = re.compile(
    r"\b(?:(?P<kernel>kernel|filter|window|stamp)|(?P<given>image|input|picture|photo)|output"
    r"|result|map)(?: is| of|,)* $"
)
_FIELD_OF = re.compile(
    r"\b(?:fields?|view|(?:as|so) (?:much|far|large|wide)|equivalent|replaces?)"
    r" (?:as |of |to |that of )*(?:an?|one|a single|single)"
    r" (?:(?:layer|conv\w*|kernel|filter)s? (?:with|of) (?:an? )?)?$"
)
_FIELDS = re.compile(r"field|\bsees?\b|view|\blooks?\b|cover")
_SEEN = ("size", "volume", "kernel", "output", "input")


def _own_kernel(behind: str) -> bool:
    """Whether the words behind a size call it a kernel or an input, whatever a unit sees."""
    return re.match(r"s?[ -](?:\w+[ -]){0,2}?(?:kernels?|filters?|conv\w*|layers?\b|pool\w*|image"
                    r"|input|picture)",
                    behind) is not None  # fmt: skip


def _sees(before: str, behind: str) -> bool:
    if _FIELD_IS.search(before[-110:]):
        return True
    if _AREA.search(before) and re.search(
        r"dilat|holes|atrous|receptive|\bsees?\b|\bunits?\b|\bd ?=|\brate\b", before + behind
    ):
        return True
    seen = list(_SEES.finditer(before[-90:]))
    if not seen:
        return _SEEN_BEHIND.match(behind) is not None
    gap = before[-90:][seen[-1].end() :]
    return len(gap) < 48 and not re.search(
        r"[.;]|:\W*[a-z]|\d|\bits\b|kernel|filter|, (?:and|but|so|with|without)\b", gap
    )


def _size_role(before: str, behind: str, token: Token) -> tuple[str, bool]:
    """The role of a size by the words around it, and whether a word says so."""
    found = _BEHIND.match(behind)
    way = _WAY.match(behind)
    if way:
        return ("input" if way[1].startswith("in") else "output"), True
    left = None if _SIZED.search(before) else _BEFORE.search(before)
    if left and left["kernel"] in ("one", "ones"):
        left = None
    if (left and left["stride"]) or re.match(r"\s*strides?\b", behind):
        return "stride", True
    if len(token.numbers) == 4 and re.search(r"\b(?:kernel|filter|weight)s?\b[^.;]*$", before):
        return "kernel", True
    if found and found.lastgroup != "any":
        return str(found.lastgroup), True
    small = max(token.sizes[:2] or (99,)) <= 11
    if small and re.match(r",? ?(?:with )?(?:stride|padding|pad|dilation)\b", behind):
        return "kernel", True
    if left and left.lastgroup == "any":
        return "volume", True
    if left and not (found and left.lastgroup == "kernel" and not re.search(r"[,=:]\s*$", before)):
        large = max(token.sizes[:2] or (0,)) > (15 if left.lastgroup == "kernel" else 9)
        layer = re.match(r"conv|.*pool|sub|layer|deconv", left[0]) is not None
        large = large or layer and len(token.sizes) == 3
        if large and left.lastgroup in ("kernel", "padding", "dilation"):
            result = re.search(r"(?:^|\W)(?:is|are|:|has|have)\s*$", before)
            return ("output" if result and left.lastgroup == "kernel" else "volume"), True
        return str(left.lastgroup), True
    if found:
        return "volume", True
    return "size", False


def _placed(lower: str, found: list[Mention]) -> list[Mention]:
    """Sizes that no word names, by their place: kernels are small, what goes in comes first."""
    placed: list[Mention] = []
    kernel = any(one.role == "kernel" for one in found)
    for one in found:
        if one.role == "size" and _goes_on(lower, one, placed):
            one = replace(one, role="volume", out=True)
        if one.role == "size":
            one = replace(
                one, role="kernel" if _is_kernel(lower, one, placed, kernel) else "volume"
            )
        if (
            one.role in ("volume", "kernel", "side")
            and one.out
            and not one.given
            and _more_field(lower, one, placed)
        ):
            one = replace(one, role="field")
        if one.role == "input":
            one = replace(one, role="volume", given=True, out=False)
        elif one.role == "output":
            one = replace(one, role="volume", out=True)
        if one.role == "kernel":
            one = replace(one, operation=_operation(lower, one), given=False)
        placed.append(one)
    return _counted(lower, placed)


def _goes_on(lower: str, one: Mention, placed: list[Mention]) -> bool:
    """Whether a size is a second result: 4 × 4, or with padding 1, 6 × 6."""
    results = [two.end for two in placed if two.role in ("volume", "output") and two.out]
    gap = lower[results[-1] : one.start] if results else ""
    return (
        re.search(
            r"[,;].*\b(?:padding|stride|dilation|pad|p|s|d)\b[^,;.]*,\W*(?:it is |we get )?$", gap
        )
        is not None
    )


def _more_field(lower: str, one: Mention, placed: list[Mention]) -> bool:
    """Whether a size goes on with what units see: …, after three it is 7 × 7."""
    if not any(two.role == "field" for two in placed) or _own_kernel(lower[one.end :]):
        return False
    return (
        re.search(r"\b(?:it is|it's|is|becomes|→|see|already|so)\W*(?:\w+ )?$", lower[: one.start])
        is not None
    )


def _is_kernel(lower: str, one: Mention, placed: list[Mention], named: bool) -> bool:
    """Whether a size is a window; ``named``: another one is called so."""
    before, behind = lower[: one.start], lower[one.end :]
    if not one.sizes or max(one.sizes[:2]) > 15 or len(one.sizes) == 3:
        return False
    volumes = any(two.role in ("volume", "input", "output") for two in placed)
    if _COUNT_BEFORE.search(before) or re.match(r"\s*/\s*\d|(?:,| ?@) ?\d+\b(?! ?[×x])", behind):
        return True
    if _APPLIED.search(before) and volumes:
        return True
    if one.out and _STRONG.search(before[-40:]) and (named or volumes or max(one.sizes[:2]) > 11):
        return False
    if re.search(
        r"\b(?:turns?|maps|reduces|takes?|halves|upsamples|pads|padding|feed\w*|from|doubles"
        r"|shrinks?)(?: an?| the)? \(?$",
        before,
    ):
        return False
    if re.match(
        r"(?: ?(?:image|map|volume|input|picture)s?)? ?(?:to|into|→) ?\(?\d+ ?[×x]", behind
    ):
        return False
    if (
        re.match(r" (?:with|under|by|convolved|and) (?:an? )?\d+ ?[×x] ?\d+", behind)
        and not volumes
    ):
        return False
    if one.out and (volumes or named) and not re.search(r"\bof\W*$", before[-5:]):
        return False
    if _APPLIED.search(before):
        return True
    if one.out and _STRONG.search(before[-40:]):
        return False
    if (
        named
        or one.given
        and re.search(r"\b(?:on|from|over|onto|across)(?: (?:an?|the))?\W*$", before)
    ):
        return False
    return len({*one.sizes[:2]}) == 1 and one.sizes[0] in (1, 2, 3, 4, 5, 7, 9, 11)


def _operation(lower: str, one: Mention) -> str:
    """What a kernel does by the words at it: pool, transposed, conv, or nothing."""
    if one.operation:
        return one.operation
    behind = lower[one.end :][:40]
    if re.search(rf"(?:{_UP}) $", lower[: one.start]):
        return "transposed"
    ahead = re.match(r"s?\W{0,3}(?:/\d )?(?:\w+[- ]){0,2}?(?P<pool>\w*pool|avg|average|max\b"
                     r"|subsampl)"
                     r"|s?\W{0,3}(?:\w+[- ]){0,2}?(?P<transposed>transpos|up-?conv|deconv)"
                     r"|s?\W{0,3}(?:\w+[- ]){0,2}?(?P<conv>conv)", behind)  # fmt: skip
    if ahead and ahead.lastgroup:
        return str(ahead.lastgroup)
    before = re.split(
        r"[.;→]|,? then\b|, and |\||\bfollowed by\b|\bbehind\b",
        lower[max(0, one.start - 60) : one.start],
    )[-1]
    last = [(m.start(), m[0]) for m in re.finditer(rf"{_POOL}|{_UP}|conv(?!ent)", before)]
    word = max(last)[1] if last else ""
    if not word:
        return ""
    return "pool" if re.match(_POOL, word) else "transposed" if re.match(_UP, word) else "conv"


_MANY = re.compile(
    r"(?:^|[\s(:,])(two|three|four|five|six|seven|eight|nine|ten|[2-9]|1\d) (?:(?!(?:filters?"
    r"|kernels?|maps|channels?)\b)[\w-]+ ){0,2}?(?:of |times )?\(?$"
)
_PLURAL = re.compile(
    r"'?s\b| (?:\w+ ){0,2}?(?:conv\w*|layers|ones|filters (?:in a row|on top))\b"
    r"|,? (?:in a row|stacked|in succession"
    r"|back to back|one after)|s\b| (?:see|cover|span|reach|have|need)\b"
)


_LAYERS_OF = r"(?:layers|conv\w*s) of \(?$|times \(?$|layers with $"


def _counted(lower: str, placed: list[Mention]) -> list[Mention]:
    """Kernels with how often they are stacked: two 3 × 3 layers."""
    made: list[Mention] = []
    for one in placed:
        behind = lower[one.end :][:50]
        before = lower[max(0, one.start - 50) : one.start]
        many = _MANY.search(before) if one.role == "kernel" else None
        layers = re.match(r"s?[ -](?:[\w-]+ ){0,2}?(?:conv\w*s\b|pool\w*s\b|layers|ones)", behind)
        if many:
            stacked = re.search(r"\bstack\w*(?: \w+)?$", before[: many.start() + 1].rstrip())
            layers = layers or stacked or re.search(_LAYERS_OF, many[0])
        if many and (
            layers
            or _PLURAL.match(behind)
            and not re.match(
                r"'?s?[ -](?:\w+ ){0,2}?(?:filters?|kernels?|maps)\b(?! (?:in a row|on top))",
                behind,
            )
        ):
            one = replace(one, times=tokens(many[1])[0].sizes[0])
            start = one.start - len(many[0]) - 1
            counts = ("times", "number", "filters")
            made = [two for two in made if two.end < start or two.role not in counts]
        made.append(one)
    return made
