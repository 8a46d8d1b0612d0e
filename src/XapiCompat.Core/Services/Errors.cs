using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Errors that are raised in many places, with their parameters in the documented order.</summary>
public static class Errors
{
    public static XenException HandleInvalid(string @class, string reference) => new("HANDLE_INVALID", @class, reference);

    public static XenException UuidInvalid(string @class, string uuid) => new("UUID_INVALID", @class, uuid);

    public static XenException Internal(string text) => new("INTERNAL_ERROR", text);

    public static XenException SessionInvalid(string reference) => new("SESSION_INVALID", reference);

    /// <summary>The object behind a reference, or HANDLE_INVALID with the class as the API names it.</summary>
    public static Record Get(this IRecords records, string @class, string reference) =>
        records.Find(reference) is { } record && record.Class.Name == @class ? record : throw HandleInvalid(@class, reference);

    public static Record Get(this IRecords records, string @class, Ref reference) => records.Get(@class, reference.Text);
}
