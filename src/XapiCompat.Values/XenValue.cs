namespace XapiCompat.Values;

/// <summary>
/// One immutable value of the XenAPI, independent of XML-RPC and JSON-RPC.
/// References, uuids and enum members are <see cref="XenString"/>; the datamodel's types say which they are.
/// </summary>
public abstract class XenValue : IEquatable<XenValue>
{
    private protected XenValue()
    {
    }

    /// <summary>The answer of a message without result; an empty string on the wire.</summary>
    public static XenString Void => XenString.Empty;

    public static XenValue From(string text) => XenString.Of(text);

    public static XenValue From(long number) => XenInt.Of(number);

    public static XenValue From(double number) => new XenDouble(number);

    public static XenValue From(bool flag) => flag ? XenBool.True : XenBool.False;

    public static implicit operator XenValue(string text) => XenString.Of(text);

    public static implicit operator XenValue(long number) => XenInt.Of(number);

    public static implicit operator XenValue(int number) => XenInt.Of(number);

    public static implicit operator XenValue(double number) => new XenDouble(number);

    public static implicit operator XenValue(bool flag) => flag ? XenBool.True : XenBool.False;

    /// <summary>Equality of contents; the order of struct members does not matter, the order of array items does.</summary>
    public abstract bool Equals(XenValue? other);

    public sealed override bool Equals(object? obj) => Equals(obj as XenValue);

    public abstract override int GetHashCode();
}

/// <summary>Text, including references (<c>OpaqueRef:…</c>), uuids and enum members.</summary>
public sealed class XenString : XenValue
{
    private XenString(string text) => Text = text;

    public static XenString Empty { get; } = new("");

    public string Text { get; }

    public static XenString Of(string text) => text.Length == 0 ? Empty : new XenString(text);

    public override bool Equals(XenValue? other) => other is XenString s && s.Text == Text;

    public override int GetHashCode() => string.GetHashCode(Text, StringComparison.Ordinal);

    public override string ToString() => Text;
}

/// <summary>A 64-bit integer: bare text in XML-RPC, a number in JSON-RPC.</summary>
public sealed class XenInt : XenValue
{
    private static readonly XenInt[] Small = [.. Enumerable.Range(-1, 258).Select(n => new XenInt(n))];

    private XenInt(long number) => Number = number;

    public long Number { get; }

    public static XenInt Of(long number) => number is >= -1 and < 257 ? Small[number + 1] : new XenInt(number);

    public override bool Equals(XenValue? other) => other is XenInt i && i.Number == Number;

    public override int GetHashCode() => Number.GetHashCode();

    public override string ToString() => Number.ToString();
}

/// <summary>An integer that is written as a real XML-RPC <c>i4</c>: only <c>valid_ref_counts</c> of event.from.</summary>
public sealed class XenInt32(int number) : XenValue
{
    public int Number { get; } = number;

    public override bool Equals(XenValue? other) => other is XenInt32 i && i.Number == Number;

    public override int GetHashCode() => Number.GetHashCode();

    public override string ToString() => Number.ToString();
}

public sealed class XenDouble(double number) : XenValue
{
    public double Number { get; } = number;

    public override bool Equals(XenValue? other) => other is XenDouble d && d.Number.Equals(Number);

    public override int GetHashCode() => Number.GetHashCode();

    public override string ToString() => Number.ToString("R");
}

public sealed class XenBool : XenValue
{
    private XenBool(bool flag) => Flag = flag;

    public static XenBool True { get; } = new(true);

    public static XenBool False { get; } = new(false);

    public bool Flag { get; }

    public override bool Equals(XenValue? other) => other is XenBool b && b.Flag == Flag;

    public override int GetHashCode() => Flag.GetHashCode();

    public override string ToString() => Flag ? "true" : "false";
}

/// <summary>A date in its wire form, <c>YYYYMMDDTHH:MM:SSZ</c>; see <see cref="XenDate.Format"/>.</summary>
public sealed class XenDateTime(string text) : XenValue
{
    public string Text { get; } = text;

    public override bool Equals(XenValue? other) => other is XenDateTime d && d.Text == Text;

    public override int GetHashCode() => string.GetHashCode(Text, StringComparison.Ordinal);

    public override string ToString() => Text;
}

/// <summary>XML-RPC <c>nil</c> and JSON <c>null</c>; accepted, never sent inside a result.</summary>
public sealed class XenNil : XenValue
{
    private XenNil()
    {
    }

    public static XenNil Instance { get; } = new();

    public override bool Equals(XenValue? other) => other is XenNil;

    public override int GetHashCode() => 0;

    public override string ToString() => "nil";
}

/// <summary>A set of the XenAPI.</summary>
public sealed class XenArray(IReadOnlyList<XenValue> items) : XenValue
{
    public static XenArray Empty { get; } = new([]);

    public IReadOnlyList<XenValue> Items { get; } = items;

    public static XenArray Of(IEnumerable<string> texts) => new([.. texts.Select(XenString.Of)]);

    // Most comparisons are of a value with itself, and sets of references grow to many thousands.
    public override bool Equals(XenValue? other) =>
        ReferenceEquals(this, other) || (other is XenArray a && (ReferenceEquals(a.Items, Items) || (a.Items.Count == Items.Count && a.Items.SequenceEqual(Items))));

    public override int GetHashCode() => Items.Count;
}

/// <summary>
/// A map or record: names in sending order with a value each. Records share one <see cref="Names"/> list per class.
/// </summary>
public sealed class XenStruct : XenValue
{
    private byte[]? _xmlFragment;
    private byte[]? _jsonFragment;

    public XenStruct(IReadOnlyList<string> names, IReadOnlyList<XenValue> values, bool cacheFragments = false)
    {
        if (names.Count != values.Count)
            throw new ArgumentException("A struct needs one value for each name.", nameof(values));
        Names = names;
        Values = values;
        CachesFragments = cacheFragments;
    }

    public static XenStruct Empty { get; } = new([], []);

    public IReadOnlyList<string> Names { get; }

    public IReadOnlyList<XenValue> Values { get; }

    public int Count => Names.Count;

    /// <summary>
    /// True for records that are sent again and again: a codec may keep their encoded bytes in
    /// <see cref="XmlFragment"/> and <see cref="JsonFragment"/>, and their length. A changed record is a new struct, so nothing
    /// expires.
    /// </summary>
    public bool CachesFragments { get; }

    /// <summary>The encoded <c>&lt;struct&gt;…&lt;/struct&gt;</c>, without the surrounding value tag; null until a codec made it.</summary>
    public byte[]? XmlFragment { get => Volatile.Read(ref _xmlFragment); set => Volatile.Write(ref _xmlFragment, value); }

    /// <summary>The encoded JSON object; null until a codec made it.</summary>
    public byte[]? JsonFragment { get => Volatile.Read(ref _jsonFragment); set => Volatile.Write(ref _jsonFragment, value); }

    /// <summary>How many bytes a codec needs for the struct and its value tag; 0 until one knows.</summary>
    public int XmlLength { get; set; }

    public int JsonLength { get; set; }

    /// <summary>The value of the first member called <paramref name="name"/>, or null.</summary>
    public XenValue? this[string name]
    {
        get
        {
            for (var i = 0; i < Names.Count; i++)
            {
                if (Names[i] == name)
                    return Values[i];
            }

            return null;
        }
    }

    public static XenStruct Of(params (string Name, XenValue Value)[] members) =>
        new([.. members.Select(m => m.Name)], [.. members.Select(m => m.Value)]);

    public static XenStruct Of(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var list = pairs.ToList();
        return new([.. list.Select(p => p.Key)], [.. list.Select(p => XenString.Of(p.Value))]);
    }

    public bool Contains(string name) => this[name] is not null;

    /// <summary>A struct with <paramref name="name"/> first and set to <paramref name="value"/>, in place of an earlier member of that name.</summary>
    public XenStruct With(string name, XenValue value)
    {
        var rest = Without(name);
        return new([name, .. rest.Names], [value, .. rest.Values]);
    }

    /// <summary>A struct without <paramref name="name"/>; itself when there is no such member.</summary>
    public XenStruct Without(string name)
    {
        if (!Contains(name))
            return this;
        var names = new List<string>(Count);
        var values = new List<XenValue>(Count);
        for (var i = 0; i < Count; i++)
        {
            if (Names[i] == name)
                continue;
            names.Add(Names[i]);
            values.Add(Values[i]);
        }

        return new(names, values);
    }

    public override bool Equals(XenValue? other)
    {
        if (other is not XenStruct s || s.Count != Count)
            return false;
        if (ReferenceEquals(this, s))
            return true;
        for (var i = 0; i < Count; i++)
        {
            // Same member at the same place is the usual case; look it up only when the order differs.
            var theirs = s.Names[i] == Names[i] ? s.Values[i] : s[Names[i]];
            if (theirs is null || !theirs.Equals(Values[i]))
                return false;
        }

        return true;
    }

    public override int GetHashCode() => Count;
}
