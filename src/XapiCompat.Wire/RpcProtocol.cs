namespace XapiCompat.Wire;

/// <summary>The envelope in which a call came and its answer goes.</summary>
public enum RpcProtocol
{
    XmlRpc,
    JsonRpc10,
    JsonRpc20,

    /// <summary>The answer to JSON text that is not valid UTF-8: version 2.0, a bare array in <c>error</c>, id 0.</summary>
    JsonRpcEscaped,
}
