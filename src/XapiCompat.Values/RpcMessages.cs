namespace XapiCompat.Values;

/// <summary>A call as it came off the wire: the method's name as sent (with <c>Async.</c>) and untyped arguments.</summary>
public sealed record RpcCall(string Method, IReadOnlyList<XenValue> Arguments);

/// <summary>The outcome of a call: exactly one of value and failure.</summary>
public readonly record struct RpcResult(XenValue? Value, XenFailure? Failure)
{
    public static RpcResult Success(XenValue value) => new(value, null);

    public static RpcResult Fail(XenFailure failure) => new(null, failure);
}
