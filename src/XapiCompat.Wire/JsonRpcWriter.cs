using System.Text;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>Values and answers as JSON text.</summary>
public static class JsonRpcWriter
{
    private static readonly byte[] Head10 = "{\"result\":"u8.ToArray();
    private static readonly byte[] FailureHead10 = "{\"result\":null,\"error\":"u8.ToArray();
    private static readonly byte[] Head20 = "{\"jsonrpc\":\"2.0\",\"result\":"u8.ToArray();
    private static readonly byte[] FailureHead20 = "{\"jsonrpc\":\"2.0\",\"error\":"u8.ToArray();
    private static readonly byte[] TailOfIdZero = ",\"id\":0}"u8.ToArray();

    /// <summary>The value as JSON.</summary>
    public static string ValueText(XenValue value) => Encoding.UTF8.GetString(ValueEncoder.ToArray(JsonSyntax.Instance, value));

    internal static Answer Answer(RpcRequest request, RpcResult result)
    {
        var failure = result.Failure;
        switch (request.Protocol)
        {
            case RpcProtocol.JsonRpc10:
                return failure is null
                    ? new(Head10, result.Value ?? XenValue.Void, Tail(",\"error\":null", request.JsonId))
                    : new(FailureHead10, XenArray.Of(failure.Description), Tail("", request.JsonId));
            case RpcProtocol.JsonRpc20:
                return failure is null
                    ? new(Head20, result.Value ?? XenValue.Void, Tail("", request.JsonId))
                    : new(FailureHead20, Error(failure), Tail("", request.JsonId));
            case RpcProtocol.JsonRpcEscaped when failure is not null:
                return new(FailureHead20, XenArray.Of(failure.Description), TailOfIdZero);
            default:
                throw new ArgumentException("The request did not come as JSON-RPC.", nameof(request));
        }
    }

    private static XenStruct Error(XenFailure failure) => new(
        ["code", "message", "data"], [XenInt.Of(1), XenString.Of(failure.Code), XenArray.Of(failure.Parameters)]);

    private static byte[] Tail(string before, string id) =>
        before.Length == 0 && id == "0" ? TailOfIdZero : Encoding.UTF8.GetBytes(before + ",\"id\":" + id + "}");
}
