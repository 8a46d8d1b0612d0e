using System.Globalization;

namespace XapiCompat.Core.Operations;

/// <summary>Positions of disks in a VM: decimal texts, or the Linux names of the same number.</summary>
public static class DevicePosition
{
    /// <summary>Number of positions that the control domain has; other VMs have one less.</summary>
    public const int Count = 256;

    private static readonly string[] Prefixes = ["xvd", "hd", "sd"];

    /// <summary><c>0</c> is <c>xvda</c>, <c>26</c> is <c>xvdaa</c>.</summary>
    public static string Name(int position)
    {
        var letters = "";
        for (var rest = position + 1; rest > 0; rest = (rest - 1) / 26)
            letters = (char)('a' + ((rest - 1) % 26)) + letters;
        return "xvd" + letters;
    }

    /// <summary><c>3</c>, <c>xvdd</c>, <c>hdd</c> and <c>sdd</c> are the same position; null when it is none.</summary>
    public static int? Parse(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number < Count ? number : null;
        foreach (var prefix in Prefixes)
        {
            if (!text.StartsWith(prefix, StringComparison.Ordinal) || text.Length == prefix.Length)
                continue;
            var value = 0;
            foreach (var c in text.AsSpan(prefix.Length))
            {
                if (c is < 'a' or > 'z')
                    return null;
                value = (value * 26) + (c - 'a' + 1);
                if (value > Count)
                    return null;
            }

            return value - 1;
        }

        return null;
    }
}
