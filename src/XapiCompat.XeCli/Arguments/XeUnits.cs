using System.Globalization;

namespace XapiCompat.XeCli.Arguments;

/// <summary>How texts on the command line stand for booleans, numbers and sizes.</summary>
public static class XeUnits
{
    /// <summary>True for true, t, yes, y, 1; false for false, f, no, n, 0; in any case.</summary>
    public static bool Flag(string name, string text) => text.ToLowerInvariant() switch
    {
        "true" or "t" or "yes" or "y" or "1" => true,
        "false" or "f" or "no" or "n" or "0" => false,
        _ => throw new XeException("Parameter '" + name + "' takes true or false, not '" + text + "'"),
    };

    public static long Whole(string name, string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new XeException("Parameter '" + name + "' takes an integer, not '" + text + "'");

    public static double Fraction(string name, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new XeException("Parameter '" + name + "' takes a number, not '" + text + "'");

    /// <summary>Bytes from <c>8192</c>, <c>8KiB</c>, <c>8 gb</c> …; every unit is a power of 1024.</summary>
    public static long Size(string name, string text)
    {
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            digits++;
        var shift = text[digits..].TrimStart(' ').ToUpperInvariant() switch
        {
            "" or "B" or "BYTES" => 0,
            "K" or "KB" or "KIB" => 10,
            "M" or "MB" or "MIB" => 20,
            "G" or "GB" or "GIB" => 30,
            "T" or "TB" or "TIB" => 40,
            _ => -1,
        };
        if (shift < 0 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > long.MaxValue >> shift)
            throw new XeException("Parameter '" + name + "' takes a size such as 5GiB, not '" + text + "'");
        return number << shift;
    }
}
