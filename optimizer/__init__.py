"""The decision: response curves and rules in, a proven plan out. The only room that knows Pyomo and HiGHS."""
