using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Server.Rpc;

/// <summary>The <c>system.</c> methods: no session, and an answer without the usual envelope.</summary>
internal sealed class SystemMethods(Model model)
{
    private const string IsAlive = "system.isAlive:";

    private readonly XenArray _names = XenArray.Of(model.Messages.Select(m => m.FullName));

    public bool TryAnswer(RpcCall call, out RpcResult result)
    {
        if (call.Method == "system.listMethods")
        {
            result = RpcResult.Success(_names);
            return true;
        }

        if (call.Method.StartsWith(IsAlive, StringComparison.Ordinal))
        {
            result = RpcResult.Success(call.Arguments.Count > 0 ? call.Arguments[0] : XenValue.Void);
            return true;
        }

        result = default;
        return false;
    }
}
