"""Exercises on convolutional networks, their key computed by the engine."""

from convlab.checks import check_calls
from convlab.quiz.exercise import TOPICS, Exercise, Part
from convlab.quiz.mistakes import RULES
from convlab.quiz.sheet import quiz

__all__ = ["Exercise", "Part", "RULES", "TOPICS", "quiz"]

check_calls(globals(), __all__)
