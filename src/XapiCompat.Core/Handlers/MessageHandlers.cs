using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>The message class is no table; nothing here writes messages yet, so there are none.</summary>
public sealed class MessageHandlers
{
    [XenMessage("message.get_all")]
    public XenArray GetAll(CallContext context) => XenArray.Empty;

    [XenMessage("message.get_all_records")]
    public XenStruct GetAllRecords(CallContext context) => XenStruct.Empty;

    [XenMessage("message.get_record")]
    public XenValue GetRecord(CallContext context, Ref self) => throw Errors.HandleInvalid("message", self.Text);

    [XenMessage("message.get_by_uuid")]
    public Ref GetByUuid(CallContext context, string uuid) => throw Errors.UuidInvalid("message", uuid);
}
