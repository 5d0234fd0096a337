"""Clusters of atoms."""

from __future__ import annotations

from saddlelab.surfaces._base import Scalar, Vector, at_least, cube, surface
from saddlelab.surfaces._known import Point, by_size

__all__ = ["lennard_jones"]

# Half the best distance of two atoms, 2^(1/6)/2; the rest are lengths of the configurations, found
# by Newton's method with 50 digits (the square, the chain and the tetrahedron in closed form).
_HALF = 0.56123102415468649072
_HEIGHT = 0.97208064861983281514  # of the triangle
_CHAIN = 1.1210299382816956228  # (8193/4128)^(1/6)
_CUBE = 0.39685026299204986869  # 2^(1/6)/√8
_SHORT, _LONG = 0.56240003153482560171, 0.96882588306558582053  # half diagonals of the rhombus
_DIAGONAL = 0.78674103316388625472  # half of the square's
_APEX = 0.80059952325185280058  # above the square: its distance to the corners is the best
_POLE = 0.91293855015835358798  # of the bipyramid over a ring of three
_RING_X, _RING_Y = 0.32449786374909785222, 0.56204678696100044694
_NEAR, _NEAR_Z = 0.56500355726190736566, 0.96305292289962490047  # pairs above an atom, crosswise
_FAR, _FAR_Z = 0.56231504968682034599, 1.7480303935977903105

_PAIR = (_HALF, 0.0, 0.0, -_HALF, 0.0, 0.0)
_SQUARE = (_DIAGONAL, 0.0, 0.0, -_DIAGONAL, 0.0, 0.0, 0.0, _DIAGONAL, 0.0, 0.0, -_DIAGONAL, 0.0)
_RING = (2.0 * _RING_X, 0.0, 0.0, -_RING_X, _RING_Y, 0.0, -_RING_X, -_RING_Y, 0.0)
_CROSSED = (0.0, _NEAR, _NEAR_Z, 0.0, -_NEAR, _NEAR_Z, _FAR, 0.0, _FAR_Z, -_FAR, 0.0, _FAR_Z)
_SIGNS = (1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, 1)


# Each point stands for its translations, rotations and permutations.
@surface(
    dims=at_least(6, step=3),
    domain=cube(-2.0, 2.0),
    known=by_size(
        {
            6: [Point(_PAIR, -1.0, 0, zeros=5)],
            9: [
                Point((*_PAIR, 0.0, _HEIGHT, 0.0), -3.0, 0, zeros=6),
                Point(
                    (-_CHAIN, 0.0, 0.0, 0.0, 0.0, 0.0, _CHAIN, 0.0, 0.0),
                    -2.0311241303551812523,
                    2,
                    zeros=5,
                ),
            ],
            12: [
                Point(tuple(_CUBE * sign for sign in _SIGNS), -6.0, 0, zeros=6),
                Point(
                    (_SHORT, 0.0, 0.0, -_SHORT, 0.0, 0.0, 0.0, _LONG, 0.0, 0.0, -_LONG, 0.0),
                    -5.073420858462791636,
                    1,
                    zeros=6,
                ),
                Point(_SQUARE, -4.4806201550387596899, 2, zeros=6),
            ],
            15: [
                Point(
                    (*_RING, 0.0, 0.0, _POLE, 0.0, 0.0, -_POLE), -9.1038524157075567917, 0, zeros=6
                ),
                Point((*_SQUARE, 0.0, 0.0, _APEX), -8.4806201550387596899, 1, zeros=6),
                Point((0.0, 0.0, 0.0, *_CROSSED), -8.1978875701368397832, 1, zeros=6),
            ],
        },
        complete=False,
    ),
    reference="J. E. Jones, Proc. R. Soc. A 106 (1924) 463–477; clusters: M. R. Hoare and P. Pal, "
    "Adv. Phys. 20 (1971) 161–196",
    degenerate=True,
)
def lennard_jones(x: Vector) -> Scalar:
    """Energy of a cluster of atoms, Σ_{i<j} 4 (r_ij⁻¹² − r_ij⁻⁶), in units of ε and σ.

    x holds the atoms' positions in space, n = 3 × atoms.  Rigid motions leave the energy as it
    is, so six eigenvalues of the Hessian are zero at a critical point (five for a chain); the
    points listed, for two to five atoms, are representatives.
    """
    energy = 0.0
    for i in range(0, x.size, 3):
        for j in range(0, i, 3):
            square = (x[i] - x[j]) ** 2 + (x[i + 1] - x[j + 1]) ** 2 + (x[i + 2] - x[j + 2]) ** 2
            attraction = 1.0 / (square * square * square)
            energy += 4.0 * attraction * (attraction - 1.0)
    return energy
