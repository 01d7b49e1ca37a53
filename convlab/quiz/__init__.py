"""Exercises on convolutional networks, with a key computed by the engine."""

from convlab.checks import check_calls
from convlab.quiz.asking import ask_all
from convlab.quiz.class_set import ClassSet, read_students, sheet_files, student_name
from convlab.quiz.exercise import TOPICS, Exercise, Part, topic_lines
from convlab.quiz.formats import FORMATS, PRINTED, key_bytes, sheet_bytes
from convlab.quiz.key import Key
from convlab.quiz.mistakes import RULES
from convlab.quiz.saving import check_key, class_places, file_contents, save_class
from convlab.quiz.selection import quiz
from convlab.quiz.sheet import Sheet
from convlab.quiz.text import exercise_text, solution_text

__all__ = [
    "ClassSet",
    "Exercise",
    "FORMATS",
    "Key",
    "PRINTED",
    "Part",
    "RULES",
    "Sheet",
    "TOPICS",
    "ask_all",
    "check_key",
    "class_places",
    "exercise_text",
    "file_contents",
    "key_bytes",
    "quiz",
    "read_students",
    "save_class",
    "sheet_bytes",
    "sheet_files",
    "solution_text",
    "student_name",
    "topic_lines",
]

check_calls(globals(), __all__)
