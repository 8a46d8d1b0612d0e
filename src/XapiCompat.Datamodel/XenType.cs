using XapiCompat.Values;

namespace XapiCompat.Datamodel;

/// <summary>A type of the datamodel: what a field, parameter or result holds, and how input is brought into that form.</summary>
public abstract record XenType
{
    /// <summary>The value of a field without default, and of a member that a lenient constructor found missing.</summary>
    public abstract XenValue Empty { get; }

    /// <summary>
    /// Brings a value off the wire into canonical form: numbers that came as text, enum members in any letter case,
    /// dates in any accepted form. Throws <see cref="XenTypeException"/> when it is no value of this type.
    /// </summary>
    public abstract XenValue Coerce(XenValue raw);

    private protected XenTypeException Mismatch(XenValue raw)
    {
        var text = raw switch
        {
            XenStruct => "a struct",
            XenArray => "an array",
            _ => "'" + (raw.ToString() is { Length: > 80 } s ? s[..80] + "…" : raw.ToString()) + "'",
        };
        return new("expected " + Describe() + ", got " + text);
    }

    /// <summary>The type as xapi-spec writes it.</summary>
    public abstract string Describe();
}

/// <summary>An argument or member does not fit its type.</summary>
public sealed class XenTypeException(string message) : Exception(message);

public sealed record StringType : XenType
{
    public override XenValue Empty => XenString.Empty;

    public override XenValue Coerce(XenValue raw) => raw switch
    {
        XenString => raw,
        XenInt or XenDouble or XenDateTime => XenString.Of(raw.ToString()!),
        _ => throw Mismatch(raw),
    };

    public override string Describe() => "string";
}

public sealed record IntType : XenType
{
    public override XenValue Empty => XenInt.Of(0);

    public override XenValue Coerce(XenValue raw) => raw switch
    {
        XenInt => raw,
        XenString s when long.TryParse(s.Text, System.Globalization.NumberStyles.AllowLeadingSign, null, out var n) => XenInt.Of(n),
        // Typed JSON clients send whole numbers as 5.0.
        XenDouble d when Math.Floor(d.Number) == d.Number && Math.Abs(d.Number) < 1L << 53 => XenInt.Of((long)d.Number),
        _ => throw Mismatch(raw),
    };

    public override string Describe() => "int";
}

public sealed record FloatType : XenType
{
    public override XenValue Empty => new XenDouble(0);

    public override XenValue Coerce(XenValue raw) => raw switch
    {
        XenDouble => raw,
        XenInt i => new XenDouble(i.Number),
        XenString s when double.TryParse(s.Text, System.Globalization.NumberStyles.Float, null, out var d) => new XenDouble(d),
        _ => throw Mismatch(raw),
    };

    public override string Describe() => "float";
}

public sealed record BoolType : XenType
{
    public override XenValue Empty => XenBool.False;

    public override XenValue Coerce(XenValue raw) => raw is XenBool ? raw : throw Mismatch(raw);

    public override string Describe() => "bool";
}

public sealed record DateTimeType : XenType
{
    public override XenValue Empty => XenDate.Never;

    public override XenValue Coerce(XenValue raw) =>
        raw is XenString or XenDateTime && XenDate.TryParse(raw.ToString()!, out var date) ? date : throw Mismatch(raw);

    public override string Describe() => "datetime";
}

public sealed record EnumType(string Name, IReadOnlyList<string> Members) : XenType
{
    // Every enum of the model has members, and no field without default is left out of a constructor.
    public override XenValue Empty => XenString.Of(Members.Count > 0 ? Members[0] : "");

    public override XenValue Coerce(XenValue raw)
    {
        if (raw is XenString s)
        {
            foreach (var member in Members)
            {
                if (string.Equals(member, s.Text, StringComparison.OrdinalIgnoreCase))
                    return XenString.Of(member);
            }
        }

        throw Mismatch(raw);
    }

    public override string Describe() => "enum " + Name;
}

public sealed record RefType(string Class) : XenType
{
    private static readonly XenString NullRef = XenString.Of(Ref.Null.Text);

    public override XenValue Empty => NullRef;

    public override XenValue Coerce(XenValue raw) => raw is XenString s ? (s.Text.Length == 0 ? NullRef : s) : throw Mismatch(raw);

    public override string Describe() => Class + " ref";
}

public sealed record SetType(XenType Item) : XenType
{
    public override XenValue Empty => XenArray.Empty;

    public override XenValue Coerce(XenValue raw) => raw switch
    {
        XenArray { Items.Count: 0 } => XenArray.Empty,
        XenArray a => new XenArray([.. a.Items.Select(Item.Coerce)]),
        _ => throw Mismatch(raw),
    };

    public override string Describe() => Item.Describe() + " set";
}

public sealed record MapType(XenType Key, XenType Item) : XenType
{
    public override XenValue Empty => XenStruct.Empty;

    public override XenValue Coerce(XenValue raw)
    {
        if (raw is not XenStruct s)
            throw Mismatch(raw);
        if (s.Count == 0)
            return XenStruct.Empty;
        var names = new List<string>(s.Count);
        var values = new List<XenValue>(s.Count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < s.Count; i++)
        {
            var name = Key.Coerce(XenString.Of(s.Names[i])).ToString()!;
            if (!seen.Add(name))
                continue;
            names.Add(name);
            values.Add(Item.Coerce(s.Values[i]));
        }

        return new XenStruct(names, values);
    }

    public override string Describe() => "(" + Key.Describe() + " -> " + Item.Describe() + ") map";
}

/// <summary>A struct of a class's fields; members are typed by the class when it is used.</summary>
public sealed record RecordType(string Class) : XenType
{
    public override XenValue Empty => XenStruct.Empty;

    public override XenValue Coerce(XenValue raw) => raw is XenStruct ? raw : throw Mismatch(raw);

    public override string Describe() => Class + " record";
}

public sealed record OptionType(XenType Item) : XenType
{
    public override XenValue Empty => XenNil.Instance;

    public override XenValue Coerce(XenValue raw) => raw is XenNil ? raw : Item.Coerce(raw);

    public override string Describe() => Item.Describe() + " option";
}
