namespace XapiCompat.Server.Tests.Support;

/// <summary>
/// Names the messages whose effect a test looks at: a record, a file, an event or a computed answer. A message counts as
/// built only when some test sees its effect.
/// </summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class SeesEffectOfAttribute(params string[] messages) : Attribute
{
    public IReadOnlyList<string> Messages { get; } = messages;
}
