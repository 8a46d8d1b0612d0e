using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>A call and what its answer needs to know about it.</summary>
/// <param name="JsonId">The <c>id</c> exactly as the client wrote it, quotes and escapes included; empty in XML-RPC.</param>
/// <param name="BareAnswer">
/// XML-RPC: a successful answer is the value alone, without the Status envelope. Set it with <c>with</c> before writing.
/// </param>
public sealed record RpcRequest(RpcCall Call, RpcProtocol Protocol, string JsonId = "", bool BareAnswer = false);
