using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

public enum AddressFamilyRule
{
    IPv4,
    IPv6,
    Either,
}

/// <summary>Checks of IP, CIDR and MAC texts and of ports, with the errors that calls answer.</summary>
public static partial class Addresses
{
    public static bool IsIp(AddressFamilyRule family, string text) => family switch
    {
        AddressFamilyRule.IPv4 => DottedQuad().IsMatch(text) && IPAddress.TryParse(text, out _),
        AddressFamilyRule.IPv6 => ParseV6(text) is not null,
        _ => IsIp(AddressFamilyRule.IPv4, text) || IsIp(AddressFamilyRule.IPv6, text),
    };

    /// <summary>The address part of <c>address/length</c> in its usual spelling, or null.</summary>
    public static string? CidrAddress(AddressFamilyRule family, string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !IsIp(family, text[..slash]))
            return null;
        if (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var length))
            return null;
        var address = IPAddress.Parse(text[..slash]);
        return length <= (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128) ? address.ToString() : null;
    }

    /// <summary>INVALID_IP_ADDRESS_SPECIFIED unless <paramref name="text"/> is an address.</summary>
    public static void RequireIp(AddressFamilyRule family, string parameter, string text)
    {
        if (!IsIp(family, text))
            throw new XenException("INVALID_IP_ADDRESS_SPECIFIED", parameter);
    }

    /// <summary>INVALID_IP_ADDRESS_SPECIFIED unless <paramref name="text"/> is an address or an <c>address/length</c>.</summary>
    public static void RequireIpOrCidr(AddressFamilyRule family, string parameter, string text)
    {
        if (CidrAddress(family, text) is null)
            RequireIp(family, parameter, text);
    }

    /// <summary>INVALID_CIDR_ADDRESS_SPECIFIED unless <paramref name="text"/> is an <c>address/length</c>.</summary>
    public static void RequireCidr(AddressFamilyRule family, string parameter, string text)
    {
        if (CidrAddress(family, text) is null)
            throw new XenException("INVALID_CIDR_ADDRESS_SPECIFIED", parameter);
    }

    public static void RequireMac(string mac)
    {
        if (!IsMac(mac))
            throw new XenException("MAC_INVALID", mac);
    }

    public static bool IsMac(string mac) => Mac().IsMatch(mac);

    public static void RequirePort(string parameter, long port)
    {
        if (port is < 1 or > 65535)
            throw new XenException("VALUE_NOT_SUPPORTED", parameter, port.ToString(CultureInfo.InvariantCulture), "a port is 1 to 65535");
    }

    public static void RequireVlanTag(long tag)
    {
        if (tag is < 0 or > 4094)
            throw new XenException("VLAN_TAG_INVALID", tag.ToString(CultureInfo.InvariantCulture));
    }

    private static IPAddress? ParseV6(string text) =>
        !text.Contains('%', StringComparison.Ordinal) && !text.Contains('[', StringComparison.Ordinal)
        && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 ? address : null;

    [GeneratedRegex("^(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}\\z")]
    private static partial Regex DottedQuad();

    [GeneratedRegex("^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\\z")]
    private static partial Regex Mac();
}
