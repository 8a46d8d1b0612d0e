using XapiCompat.Values;

namespace XapiCompat.Core.Events;

/// <summary>About how many bytes a value takes as JSON: to bound memory, not to allocate.</summary>
internal static class JsonSize
{
    public static long Of(XenValue value) => value switch
    {
        XenString text => text.Text.Length + 3,
        XenArray array => array.Items.Sum(Of) + 3,
        XenStruct map => map.Names.Sum(n => (long)n.Length + 4) + map.Values.Sum(Of) + 3,
        _ => 12,
    };
}
