//! The lint finds each thing it is there for, and nothing in clean text.

use super::bench::text;
use crate::lint::lint;

#[test]
fn clean_text_has_no_findings() {
    let body = "fma.rn.f32 %f1, %f2, %f3, %f4; add.rn.f32 %f1, %f2, %f3; mul.rn.f64 %d1, %d2, %d3;\n\
                mad.lo.s32 %r1, %r2, %r3, %r4;\n\
                div.rn.f32 %f1, %f2, %f3; sqrt.rn.f64 %d1, %d2;\n\
                atom.global.add.u32 %r1, [%rd1], 1; add.s32 %r1, %r2, %r3;\n\
                mul.wide.u32 %rd1, %r1, 4; neg.f32 %f1, %f2; abs.f32 %f1, %f2;\n\
                cvt.rn.f32.s32 %f1, %r1; rcp.rn.f32 %f1, %f2;";
    assert_eq!(lint(&text(body)), []);
    assert_eq!(lint(include_str!("../../tests/scale.ptx")), []);
}

#[test]
fn each_rule_is_held() {
    let table = [
        ("add.f32 %f1, %f2, %f3;", "fused"),
        ("sub.f64 %d1, %d2, %d3;", "fused"),
        ("mul.f32 %f1, %f2, %f3;", "fused"),
        ("mad.rn.f32 %f1, %f2, %f3, %f4;", "fma.rn"),
        ("fma.rn.ftz.f32 %f1, %f2, %f3, %f4;", "flushes"),
        ("cvt.ftz.f64.f32 %d1, %f1;", "flushes"),
        ("setp.lt.ftz.f32 %p1, %f1, %f2;", "flushes"),
        ("fma.rz.f32 %f1, %f2, %f3, %f4;", "nearest"),
        ("div.full.f32 %f1, %f2, %f3;", "approximates"),
        ("div.approx.f32 %f1, %f2, %f3;", "approximates"),
        ("sqrt.approx.f32 %f1, %f2;", "approximates"),
        ("rcp.approx.f32 %f1, %f2;", "approximates"),
        ("rsqrt.approx.f32 %f1, %f2;", "approximates"),
        ("ex2.approx.f32 %f1, %f2;", "approximates"),
        ("lg2.approx.f32 %f1, %f2;", "approximates"),
        ("sin.approx.f32 %f1, %f2;", "approximates"),
        ("cos.approx.f32 %f1, %f2;", "approximates"),
        ("tanh.approx.f32 %f1, %f2;", "approximates"),
        ("atom.global.add.f32 %f1, [%rd1], %f2;", "order"),
        ("red.global.add.f64 [%rd1], %d1;", "order"),
    ];
    for (body, rule) in table {
        let findings = lint(&text(body));
        assert_eq!(findings.len(), 1, "{body}: {findings:?}");
        assert_eq!(findings[0].line, 8, "{body}");
        assert!(findings[0].rule.contains(rule), "{}", findings[0]);
    }
    let broken = lint("no PTX at all");
    assert_eq!((broken.len(), broken[0].line), (1, 1));
}
