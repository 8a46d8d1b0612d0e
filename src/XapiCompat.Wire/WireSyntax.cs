using System.Buffers;
using System.Runtime.CompilerServices;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>What surrounds each kind of value. Each text is shorter than <see cref="ValueEncoder.Margin"/> by far.</summary>
internal abstract class WireSyntax
{
    private readonly ConditionalWeakTable<IReadOnlyList<string>, byte[][]> _memberOpens = [];
    private readonly KeptFragments _kept;

    protected WireSyntax() => _kept = new(this);

    /// <summary>The ASCII characters that stand for themselves.</summary>
    public SearchValues<char> Plain { get; protected init; } = SearchValues.Create("");

    public byte[] StringOpen { get; protected init; } = [];

    public byte[] StringClose { get; protected init; } = [];

    public byte[] DateOpen { get; protected init; } = [];

    public byte[] DateClose { get; protected init; } = [];

    public byte[] IntOpen { get; protected init; } = [];

    public byte[] IntClose { get; protected init; } = [];

    public byte[] Int32Open { get; protected init; } = [];

    public byte[] Int32Close { get; protected init; } = [];

    public byte[] DoubleOpen { get; protected init; } = [];

    public byte[] DoubleClose { get; protected init; } = [];

    public byte[] True { get; protected init; } = [];

    public byte[] False { get; protected init; } = [];

    public byte[] Nil { get; protected init; } = [];

    public byte[] ArrayOpen { get; protected init; } = [];

    public byte[] ItemSeparator { get; protected init; } = [];

    public byte[] ArrayClose { get; protected init; } = [];

    public byte[] StructOpen { get; protected init; } = [];

    public byte[] FirstNameOpen { get; protected init; } = [];

    /// <summary>Ends the member before and opens the next name.</summary>
    public byte[] NextNameOpen { get; protected init; } = [];

    public byte[] NameClose { get; protected init; } = [];

    public byte[] StructClose { get; protected init; } = [];

    public byte[] EmptyStructClose { get; protected init; } = [];

    /// <summary>What stands around the part of a struct that is kept as its fragment.</summary>
    public byte[] FragmentOpen { get; protected init; } = [];

    public byte[] FragmentClose { get; protected init; } = [];

    public abstract byte[]? GetFragment(XenStruct record);

    public abstract void SetFragment(XenStruct record, byte[]? fragment);

    /// <summary>The length of a record in bytes with all that surrounds it; 0 when it is not known yet.</summary>
    public abstract int GetLength(XenStruct record);

    public abstract void SetLength(XenStruct record, int bytes);

    /// <summary>Encodes a record and keeps the bytes for the next calls, unless that is done already.</summary>
    public void Keep(XenStruct record)
    {
        if (GetFragment(record) is null)
            _kept.Add(record);
    }

    /// <summary>What stands before each value of a record: the names, which all records of a class share.</summary>
    public byte[][] MemberOpens(IReadOnlyList<string> names) =>
        _memberOpens.TryGetValue(names, out var known) ? known : _memberOpens.GetValue(names, EncodeNames);

    private byte[][] EncodeNames(IReadOnlyList<string> names) =>
        [.. names.Select((name, i) => ValueEncoder.Text(this, i == 0 ? FirstNameOpen : NextNameOpen, name, NameClose))];

    /// <summary>Writes a number into at most 64 bytes and returns the length.</summary>
    public abstract int Format(double number, Span<byte> output);

    /// <summary>
    /// Writes as much of <paramref name="text"/> as fits, with what the syntax must escape escaped and lone surrogates replaced.
    /// Returns true when all of it is written.
    /// </summary>
    public abstract bool Escape(ReadOnlySpan<char> text, Span<byte> output, out int read, out int written);
}
