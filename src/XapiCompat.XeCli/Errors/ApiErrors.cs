using XapiCompat.Values;
using XapiCompat.XeCli.Api;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Errors;

/// <summary>An error of the API in words, as the command line prints it.</summary>
/// <param name="Text">What happened; null when the error is in no table.</param>
/// <param name="Lines">A line for each parameter.</param>
/// <param name="Parameters">Values with references made readable.</param>
internal sealed record ApiErrors(string Code, string? Text, IReadOnlyList<string> Lines, IReadOnlyList<string> Parameters)
{
    /// <summary>With references to living objects replaced by what users know them by.</summary>
    /// <param name="api">Null when there is no session: references then stay as they are.</param>
    public static async Task<ApiErrors> DescribeAsync(XenFailure failure, XeTables tables, XeApi? api)
    {
        var names = tables.Errors.GetValueOrDefault(failure.Code);
        var values = new List<string>();
        for (var i = 0; i < failure.Parameters.Count; i++)
            values.Add(await ReadableAsync(failure.Parameters[i], names is not null && i < names.Count ? names[i] : "", tables, api));
        if (names is null)
            return new(failure.Code, null, [], values);
        if (failure.Code == "VMS_FAILED_TO_COOPERATE")
            names = [.. values.Select(_ => "VM")];
        var lines = new List<string>();
        for (var i = 0; i < Math.Max(names.Count, values.Count); i++)
            lines.Add((i < names.Count ? names[i] : "<extra>") + ": " + (i < values.Count ? values[i] : Placeholders.Unknown));
        return new(failure.Code, ErrorTexts.Of(failure.Code), lines, values);
    }

    private static async Task<string> ReadableAsync(string value, string name, XeTables tables, XeApi? api)
    {
        if (api is null || !value.StartsWith(Ref.Prefix, StringComparison.Ordinal) || new Ref(value).IsNull)
            return value;
        // The parameter is often called after the class; otherwise any class may have it.
        var likely = tables.Model.FindWireClass(name);
        foreach (var @class in tables.Model.Classes.Where(c => c == likely).Concat(tables.Model.Classes.Where(c => c.Stored && c != likely && c.Name != "session")))
        {
            if (@class.Find("uuid") is null || tables.Model.FindMessage(@class.Name + ".get_record") is null)
                continue;
            try
            {
                var record = await api.RecordAsync(@class.Name, value);
                return record["uuid"] + (record["name_label"] is { } label ? " (" + label + ")" : "");
            }
            catch (XenException)
            {
                // No object of this class.
            }
        }

        return value;
    }
}
