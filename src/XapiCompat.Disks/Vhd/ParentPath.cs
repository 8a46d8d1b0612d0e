using System.Collections.Immutable;
using System.Text;

namespace XapiCompat.Disks.Vhd;

/// <summary>
/// The three spellings of a parent's file name that tapdisk stores, each in a sector of its own: a file URL, and twice the path
/// in UTF-16, all relative to the child's directory.
/// </summary>
internal static class ParentPath
{
    private static readonly ImmutableArray<uint> Codes = [ParentLocator.MacX, ParentLocator.W2ku, ParentLocator.W2ru];

    /// <exception cref="ArgumentException">Not a bare file name, or too long for a sector.</exception>
    public static void Validate(string name)
    {
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny("/\\\0"))
            throw new ArgumentException("The parent name must be a bare file name: " + name, nameof(name));
        if (Codes.Any(code => Encode(code, name).Length > VhdLimits.SectorSize))
            throw new ArgumentException("The parent name is too long: " + name, nameof(name));
    }

    public static byte[] Encode(uint platformCode, string name) => platformCode == ParentLocator.MacX
        ? Encoding.UTF8.GetBytes("file://./" + name)
        : Encoding.Unicode.GetBytes("./" + name);

    /// <summary>Whether <see cref="Encode"/> knows the code.</summary>
    public static bool IsKnown(uint platformCode) => Codes.Contains(platformCode);

    public static ImmutableArray<ParentLocator> PlaceLocators(string name, long offset) =>
        [.. Codes.Select((code, index) => new ParentLocator(
            code, VhdLimits.SectorSize, (uint)Encode(code, name).Length, offset + index * VhdLimits.SectorSize))];

    /// <summary>The locators' contents as they lie behind each other in the file.</summary>
    public static byte[] EncodeAll(string name)
    {
        var bytes = new byte[Codes.Length * VhdLimits.SectorSize];
        for (var index = 0; index < Codes.Length; index++)
            Encode(Codes[index], name).CopyTo(bytes, index * VhdLimits.SectorSize);
        return bytes;
    }
}
