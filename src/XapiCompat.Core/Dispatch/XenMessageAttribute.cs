namespace XapiCompat.Core.Dispatch;

/// <summary>Marks a method as the code of a message; the datamodel decides its parameters, the method follows it.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class XenMessageAttribute(string message) : Attribute
{
    /// <summary>As in the datamodel: <c>VDI.snapshot</c>.</summary>
    public string Message { get; } = message;
}
