using System.Text;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>Values and answers as XML-RPC text.</summary>
public static class XmlRpcWriter
{
    private static readonly byte[] SuccessHead = Head("<value><struct><member><name>Status</name><value>Success</value></member><member><name>Value</name>");
    private static readonly byte[] FailureHead =
        Head("<value><struct><member><name>Status</name><value>Failure</value></member><member><name>ErrorDescription</name>");
    private static readonly byte[] StructTail = "</member></struct></value></param></params></methodResponse>"u8.ToArray();
    private static readonly byte[] BareHead = Head("");
    private static readonly byte[] BareTail = "</param></params></methodResponse>"u8.ToArray();

    /// <summary><c>&lt;value&gt;…&lt;/value&gt;</c>, as <c>task.result</c> holds it, whatever protocol the caller speaks.</summary>
    public static string ValueText(XenValue value) => Encoding.UTF8.GetString(ValueEncoder.ToArray(XmlSyntax.Instance, value));

    internal static Answer Answer(RpcResult result, bool bare)
    {
        if (result.Failure is { } failure)
            return new(FailureHead, XenArray.Of(failure.Description), StructTail);
        var value = result.Value ?? XenValue.Void;
        return bare ? new(BareHead, value, BareTail) : new(SuccessHead, value, StructTail);
    }

    private static byte[] Head(string value) =>
        Encoding.UTF8.GetBytes("<?xml version=\"1.0\"?><methodResponse><params><param>" + value);
}
