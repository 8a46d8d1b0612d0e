using XapiCompat.XeCli.Api;
using XapiCompat.XeCli.Arguments;
using XapiCompat.XeCli.Output;

namespace XapiCompat.XeCli;

/// <summary>One command that runs: what was typed, the API in the user's session, and the user's terminal.</summary>
/// <param name="Command">The name as typed.</param>
/// <param name="Parameters">What was typed behind it.</param>
/// <param name="Api">Ordinary API calls with the rights of the session.</param>
/// <param name="Records">The record tables, over the same session.</param>
/// <param name="Printer">Results; knows <c>--minimal</c>.</param>
/// <param name="Terminal">What only the client can do: ask, and read and write files.</param>
/// <param name="Time">Clock for waits.</param>
/// <param name="Cancellation">The client is gone or the server stops.</param>
public sealed record XeCall(
    string Command, XeParameters Parameters, XeApi Api, Records.XeRecords Records, XePrinter Printer, IXeTerminal Terminal, TimeProvider Time,
    CancellationToken Cancellation);
