// Sums of points of y² = x³ + 3. No formula has an exception that is not looked for: equal points are doubled, opposite
// ones and infinity known.
#pragma once

#include "field.h"

// (0, 0) is infinity.
struct Point {
    Coordinate x, y;

    DEVICE bool is_infinity() const { return x.is_zero() && y.is_zero(); }
};

// (x/zz, y/zzz) with zz³ = zzz²; zz is 0 at infinity. Formulas: madd-2008-s, add-2008-s, dbl-2008-s-1.
struct Sum {
    Coordinate x, y, zz, zzz;

    static DEVICE Sum infinity() {
        Sum sum;
        sum.x = sum.y = sum.zz = sum.zzz = Coordinate::zero();
        return sum;
    }

    DEVICE bool is_infinity() const { return zz.is_zero(); }

    // No point has y = 0, as the order is odd.
    DEVICE void twice() {
        if (is_infinity()) return;
        Coordinate u = y.doubled();
        Coordinate v = u.squared();
        Coordinate w = u * v;
        Coordinate s = x * v;
        Coordinate square = x.squared();
        Coordinate m = square.doubled() + square;
        x = m.squared() - s.doubled();
        y = m * (s - x) - w * y;
        zz = v * zz;
        zzz = w * zzz;
    }

    DEVICE void add(const Point& point, bool negative) {
        if (point.is_infinity()) return;
        Coordinate other = negative ? -point.y : point.y;
        if (is_infinity()) {
            x = point.x;
            y = other;
            zz = zzz = Coordinate::one();
            return;
        }
        finish(point.x * zz - x, other * zzz - y, x, y);
    }

    DEVICE void add(const Sum& other) {
        if (other.is_infinity()) return;
        if (is_infinity()) {
            *this = other;
            return;
        }
        Coordinate u = x * other.zz;
        Coordinate s = y * other.zzz;
        Coordinate p = other.x * zz - u;
        Coordinate r = other.y * zzz - s;
        if (!p.is_zero()) {
            zz = zz * other.zz;
            zzz = zzz * other.zzz;
        }
        finish(p, r, u, s);
    }

private:
    // With differences p and r of both points' coordinates over common denominators, u and s this point's.
    DEVICE void finish(const Coordinate& p, const Coordinate& r, const Coordinate& u, const Coordinate& s) {
        if (p.is_zero()) {
            if (r.is_zero()) {
                twice();
            } else {
                *this = infinity();
            }
            return;
        }
        Coordinate pp = p.squared();
        Coordinate ppp = p * pp;
        Coordinate q = u * pp;
        Coordinate product = s * ppp;
        x = r.squared() - ppp - q.doubled();
        y = r * (q - x) - product;
        zz = zz * pp;
        zzz = zzz * ppp;
    }
};
