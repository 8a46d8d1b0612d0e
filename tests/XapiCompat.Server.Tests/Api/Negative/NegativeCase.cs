using System.Text.Json.Nodes;

namespace XapiCompat.Server.Tests.Api.Negative;

/// <summary>One call that must fail, with the error it must fail with. Names of objects are not looked up yet.</summary>
/// <param name="Origin">File and line, for messages.</param>
/// <param name="Arguments">Behind the session; null: neutral values of the message's types.</param>
/// <param name="Error">Code and parameters; <c>*</c> stands for any text.</param>
/// <param name="AtOnce">The async form fails at once too, before there is a task.</param>
/// <param name="Session">The session to call with; null: that of the caller; empty: none at all.</param>
/// <param name="SyncOnly">Leave the async form out: it does something else.</param>
/// <param name="Marks">The object is marked busy before the refusal, and is as before after it.</param>
internal sealed record NegativeCase(
    string Origin, string Message, JsonArray? Arguments, IReadOnlyList<string> Error, bool AtOnce, string? Session, bool SyncOnly, bool Marks)
{
    public override string ToString() => Origin + " " + Message + "(" + (Arguments?.ToJsonString() ?? "neutral") + ")";
}
