"""Exercises on convolutional networks, with a key computed by the engine."""

from convlab.checks import check_calls
from convlab.quiz.exercise import TOPICS, Exercise, Part
from convlab.quiz.mistakes import RULES
from convlab.quiz.sheet import Sheet, quiz
from convlab.quiz.text import exercise_text, solution_text

__all__ = [
    "Exercise",
    "Part",
    "RULES",
    "Sheet",
    "TOPICS",
    "exercise_text",
    "quiz",
    "solution_text",
]

check_calls(globals(), __all__)
