namespace XapiCompat.Disks.Streams;

/// <summary>How sending a disk ended. Failures of the disk and cancellation are exceptions.</summary>
public enum StreamOutcome
{
    /// <summary>Every byte was handed to the pipe and flushed.</summary>
    Complete,

    /// <summary>The reading side of the pipe is completed: nobody takes the rest. The stream is cut.</summary>
    ReceiverGone,
}
