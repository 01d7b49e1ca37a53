"""Words of notes that are no numbers: who claims something, biases, channels, conventions."""

from __future__ import annotations

import re

STOPS = (
    r"(?:and|or|of|in|into|for|with|without|to|on|at|is|are|was|were|be|per|from|by|which|that|than"
    r"|then|as|but|if|when|the|an?|over|under|through|has|have|had|gives?|each|every|times|it|its"
    r"|we"
    r"|you|so|not|no|plus|minus|because|since|while|where|before|after|between|both|our|this|these"
    r"|needs?|takes?|makes?|leaves?|turns?|keeps?|becomes?|yields?|sees?|follows?|followed)"
)
ADJECTIVES = rf"(?:(?!{STOPS}\b)[a-z][\w'’]*(?:-[\w'’]+)*[ -]){{0,3}}?"
"""Up to three words between a number and its noun."""

_NO_BIAS = re.compile(
    r"\b(?:no|without|ignor\w+|neglect\w*|excluding|except|omit\w*|not count\w*|leav\w+|left|forget"
    r"|minus|drop\w*|disregard\w*|apart from|weights only|switch\w*|turn\w*|n't (?:have|use|need))"
    r"[^.;:?]{0,28}\bbias"
    r"|\bbias(?:es)?[^.;:?]{0,14}(?:aside|ignored|omitted|excluded|left (?:out|away|off)"
    r"|not (?:counted|included)|cost only|= ?false|-free|\boff\b|dropped|neglected|do not count"
    r"|don't count|switched off|turned off)"
    r"|\bbias[- ]?(?:free|less)\b|\bbias ?= ?false\b|\bneglecting bias|\bweights alone\b"
)
_BIAS = re.compile(
    r"(?:plus|with|including|includes?|incl\.?|and|\+|one|counting|its|add|adds|gets?|want|have|own"
    r"|don't forget)[^.;:?]{0,22}\bbias"
    r"|\b(?:gives?|giving|grant\w*|add\w*)[^.;:?]{0,25}\bbias|\bbias(?:es)? counted as\b"
    r"|\bbias(?:es)? (?:and all|are |is )?(?:included|counted|terms? included|on)\b"
    r"|\bbiases? (?:per|for|each)\b|\bha(?:s|ve) (?:an?|its|their) (?:own )?bias|\+ ?1 ?\)"
    r"|\bplus one per\b|\+ ?1 for the bias|\bbias(?:es)? (?:too|as well|again)\b"
)


def biased(lower: str) -> bool | None:
    """Whether a text says that biases count, or do not; None if it says nothing of them."""
    lower = re.sub(r"\bno `?(?:use_)?bias ?= ?false`?", "with bias", lower)
    if _NO_BIAS.search(lower):
        return False
    return True if _BIAS.search(lower) else None


_HEARSAY = re.compile(
    r"\b(?:wrong(?:ly)?|false(?! ?pos)|incorrect(?:ly)?|mistaken(?:ly)?|mistakes?"
    r"|errors?(?= to| would)|myth|misconception|not true|untrue|nonsense|used to (?:believe|think)"
    r"|(?:people|students?|textbooks?|beginners|many|some|others|everyone|they|somebody|someone"
    r"|colleague|you) (?:\w+ ){0,3}?(?:says?|said|thinks?|thought|believes?|believed|claims?"
    r"|claimed|writes?|wrote|written|answers?|answered|assumes?|guess(?:es)?|guessed|expects?)"
    r"(?=[^.;:]{0,30}\bthat\b|[^.;a-z]{0,4}[\d:\"“]|\W*$)"
    r"|tempting|typo|(?:might|may|would|could) (?:\w+ )?(?:think|expect|guess|believe)"
    r"|naive(?:ly)?|at first (?:sight|glance)|the claim that|rumou?r|allegedly|supposedly|heard in"
    r"|(?:frequent|common|typical|usual|classic|popular) (?:error|mistake|belief|slip))\b"
)
_TASK = re.compile(
    r"^\W*(?:\(?[a-z\d]{1,2}[.)]\s*)?(?:(?:exercise|problem|task|homework"
    r"|question)\b[^:.]{0,12}[:.]\s*)?(?:then |now |please |first |next |optional: |bonus: )?"
    r"(?:compute|calculate|determine|find|derive|fill in|count|sketch|draw|write|explain|state"
    r"|work out|discuss|give|estimate|implement|try|repeat|bring|show|prove|verify|predict|guess"
    r"|decide|design|change|redo|check whether|suppose you)\b"
)
_ANSWERED = re.compile(
    r"\b(?:answer|solution|result|comes? to|you(?:'ll| will)? (?:get|see|find|have)|makes|leaves"
    r"|looks at|sees|turns|becomes|gives|outputs?)\b|→"
)
_UNREAL = re.compile(
    r"\bif (?:\w+ ){1,6}?(?:were|had|was)\b|\bwhat if\b|\bimagine\b.*\bwould\b|\bhad (?:we|you)\b"
)
_REFUTED = re.compile(
    r"^\W*(?:but )?(?:(?:that|this|it|which)(?:'s| is| was) (?:\w+ )?(?:wrong|false|incorrect"
    r"|not (?:true|right|correct|so)|a (?:myth|mistake))"
    r"|wrong\b|nope\b|not so\b|not quite\b|no[,.!]|false[.:!]|incorrect\b)"
)
_QUOTE = re.compile(r"\"[^\"]{3,300}\"|“[^”]{3,300}”|„[^“”]{3,300}[“”]|«[^»]{3,300}»")


def claims_nothing(lower: str) -> bool:
    """Whether a sentence asks, sets a task, supposes, or reports what others wrongly say."""
    lower = re.sub(r"= ?(?:false|true|none)\b", "", lower.strip())
    if lower.rstrip("\"'”’)*_ ").endswith("?"):
        return True
    if _HEARSAY.search(lower) or _UNREAL.search(lower):
        return True
    return bool(_TASK.search(lower)) and not _ANSWERED.search(lower)


def refutes(lower: str) -> bool:
    """Whether a sentence says that the one before it is wrong."""
    return _REFUTED.search(lower.strip()) is not None


def quoted(lower: str) -> list[tuple[int, int]]:
    """What stands between quotation marks and says something: two words and a number."""
    return [
        found.span()
        for found in _QUOTE.finditer(lower)
        if len(re.findall(r"[a-z]{2,}", found[0])) > 1 and re.search(r"\d", found[0])
    ]


# Roles that words give without a number: what, pattern, value.
COLOURS = [
    (3, (r"\brgb\b|\bcolou?r(?:ed|ful)? (?:image|picture|photo\w*|frame|input|scan|kept|version"
        r"|crop)"
        r"s?\b|\bin colou?r\b|\ball (?:the |three )?colou?rs\b|\bcifar|\bred, green,? and blue\b"
        r"|\ba red, a green and a blue\b|\bthree colou?r")),
    (1, (r"\bgr[ae]y(?:[- ]?(?:scale|level|channel))?\b|black[- ]and[- ]white|\bmonochrome\b"
        r"|\b(?:single|one)[- ]channel\b|\bmnist\b")),
]  # fmt: skip
NO_PADDING = re.compile(
    r"\b(?:without|no|never|don't|do not|not|doesn't|does not) (?:any |bother with |use )?"
    r"(?:zero[- ]?)?pad(?:ding|ded)?\b|\bunpadded\b|\bvalid\b(?! and| or|,)|\bmissing padding"
    r"|\bpad(?:ding)?(?: is)? (?:0|none|zero)\b|\bno zeros around"
)
SAME_PADDING = re.compile(
    r"\bsame[\"'”’]?[- ](?:padding|conv)|\bsame[- ]padded|\bpadding\W{0,3}(?:is |mode "
    r"|of )?\W?same\b"
    r"|\bsame (?:\w+ ){0,2}(?:filters?|kernels?|convolutions?|conv|mode)\b|\bpadded so that\b"
    r"|\bsize[- ]preserving\b|\bpadding\W+(?:that )?(?:keeps|preserves)"
    r"|\bkeeps? the (?:spatial )?size"
    r"|\bpadd\w+[^.;,]{0,12}\bsame\b|^same\b|\bpad\w* to keep|\bpadd\w*[^.;]{0,12}\bpreserv"
)
FULL_PADDING = re.compile(r"\bfull (?:padding|convolution)")
UNIT_STRIDE = re.compile(r"\bunit strides?\b|\bno strides?\b|\bwithout (?:a )?strides?\b"
                         r"|\bone (?:pixel|step) at a time\b|\bstride (?:of )?one\b")  # fmt: skip
HALVES = re.compile(
    r"\bpool\w* (?:\w+ ){0,3}?in (?:twos|pairs)|\bpool\w* by (?:2|two|a factor of (?:2|two))"
    r"|\bhalv(?:e|es|ed|ing)\b"
)
GENERAL = re.compile(
    r"\b(?:all|every|each|always|throughout|everywhere|everything|defaults?|unless|otherwise|assume"
    r"|only|whole|use[sd]?|rule|convention|following)\b"
)
THREE_D = re.compile(r"\bvoxels?\b|\b3-?d\b|\bthree[- ]dimensional|\bvolumetric")
ROW = re.compile(
    r"\bconv1d\b|\b1-?d\b|\bone-dimensional|\bsamples\b|\bsignals?\b|\btime steps|\baudio\b|\becg\b"
    r"|\beeg\b|\bwaveform|\bleads?\b|\btokens\b|\bsequences?\b"
)
"""Words of convolutions along a single axis."""

_BYTES = [
    (1, r"\b(?:u?int ?8|8[- ]bits?|eight[- ]bits?|(?:one|1|a|single) byte|fp8)\b"),
    (2, (r"\b(?:u?int ?16|16[- ]bits?|sixteen[- ]bits?|(?:two|2) bytes|fp16|bfloat ?16|bf16"
        r"|float ?16|half[- ]precision|half floats?)\b")),
    (4, (r"\b(?:fp32|float ?32|32[- ]bits?|thirty-two[- ]bits?|single[- ]precision|(?:four|4) bytes"
        r"|int32|floats?\b(?! ?\d))")),
    (8, r"\b(?:fp64|float ?64|64[- ]bits?|double[- ]precision|(?:eight|8) bytes|doubles?)\b"),
]  # fmt: skip


def widths(lower: str) -> list[int]:
    """The bytes of a number that a text speaks of."""
    return [count for count, pattern in _BYTES if re.search(pattern, lower)]
