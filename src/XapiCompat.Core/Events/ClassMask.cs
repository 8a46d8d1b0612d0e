using XapiCompat.Datamodel;

namespace XapiCompat.Core.Events;

/// <summary>A set of classes as bits, by their numbers.</summary>
internal readonly record struct ClassMask(UInt128 Bits)
{
    public static ClassMask Of(IEnumerable<ClassDef> classes) => classes.Aggregate(default(ClassMask), (mask, c) => mask.With(c));

    public ClassMask With(ClassDef @class) => new(Bits | (UInt128.One << @class.Index));

    public bool Meets(ClassMask other) => (Bits & other.Bits) != UInt128.Zero;
}
