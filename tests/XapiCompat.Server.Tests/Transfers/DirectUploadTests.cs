using System.Net.Http.Headers;
using FluentAssertions;
using XapiCompat.Server.Tests.Connections;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>Clear connections that begin with an upload are received by a thread of their own, without the transport's pipe.</summary>
[Collection(Alone.Name)]
public sealed class DirectUploadTests
{
    private const int Size = 2 << 20;

    [Fact]
    public async Task A_connection_serves_what_follows_a_probe_and_ends_with_the_upload()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        await using var client = await rig.ConnectAsync(tls: false);
        for (var round = 0; round < 3; round++)
        {
            await client.SendAsync($"PUT /import_raw_vdi?session_id={rig.Session}&vdi={vdi} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
            (await UploadForms.ReadAnswerAsync(client)).Should().StartWith("HTTP/1.1 200 ");
            await client.SendAsync(rig.SmallRequest);
            (await UploadForms.ReadAnswerAsync(client)).Should().StartWith("HTTP/1.1 200 ");
        }

        var data = TestBody.Noise(Size, 3);
        var task = await rig.CreateTaskAsync();
        await client.SendAsync(Put(rig, vdi, task, Size));
        await client.SendAsync(data);
        (await UploadForms.ReadAnswerAsync(client)).Should().Contain("Connection: close\r\n");
        (await rig.TaskAsync(task)).Status.Should().Be("success");
        (await rig.HashAsync(vdi)).Should().Be(TestBody.Hash(data));
        (await client.ReadToEndAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task What_was_sent_behind_the_body_is_neither_written_nor_answered()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var data = TestBody.Noise(Size, 7);
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls: false);
        await client.SendAsync((byte[])[.. Latin(Put(rig, vdi, task, 5000)), .. data[..5000], .. Latin(rig.SmallRequest)]);
        (await client.ReadTextAsync()).Split("HTTP/1.1 ").Length.Should().BeLessThanOrEqualTo(2);
        (await rig.TaskAsync(task)).Status.Should().Be("success");
        (await rig.HashAsync(vdi)).Should().Be(TestBody.Hash([.. data[..5000], .. new byte[Size - 5000]]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(40)]
    public async Task A_request_line_that_comes_in_parts_is_an_upload_all_the_same(int first)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var data = TestBody.Noise(Size, 5);
        var task = await rig.CreateTaskAsync();
        var head = Put(rig, vdi, task, Size);
        await using var client = await rig.ConnectAsync(tls: false);
        await client.SendAsync(head[..first]);
        await Task.Delay(50);
        await client.SendAsync(head[first..]);
        await client.SendAsync(data);
        await ReadChunkedAsync(client);
        (await rig.TaskAsync(task)).Status.Should().Be("success");
        (await rig.HashAsync(vdi)).Should().Be(TestBody.Hash(data));
    }

    [Fact]
    public async Task A_connection_that_says_nothing_at_first_is_served_when_it_speaks()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        await using var request = await rig.ConnectAsync(tls: false);
        await using var upload = await rig.ConnectAsync(tls: false);
        await Task.Delay(1500);
        await request.SendAsync(rig.SmallRequest);
        (await request.ReadHeadAsync()).Should().StartWith("HTTP/1.1 200");
        var task = await rig.CreateTaskAsync();
        await upload.SendAsync(Put(rig, vdi, task, 3));
        await upload.SendAsync("abc");
        await ReadChunkedAsync(upload);
        (await rig.TaskAsync(task)).Status.Should().Be("success");
    }

    [Fact]
    public async Task Uploads_that_stand_still_hold_up_nobody_and_leave_no_thread_behind()
    {
        await using var rig = await FileRig.StartAsync();
        var clients = new List<RawClient>();
        var tasks = new List<string>();
        for (var i = 0; i < 50; i++)
        {
            var task = await rig.CreateTaskAsync();
            var client = await rig.ConnectAsync(tls: false);
            await client.SendAsync(Put(rig, await rig.CreateDiskAsync(Size), task, Size));
            await client.SendAsync("some bytes");
            await client.ReadHeadAsync();
            clients.Add(client);
            tasks.Add(task);
        }

        await using (var other = await rig.ConnectAsync(tls: false))
        {
            await other.SendAsync(rig.SmallRequest);
            (await other.ReadHeadAsync()).Should().StartWith("HTTP/1.1 200");
        }

        // The head of the answer goes out before the thread starts.
        (await ThreadsAsync(count => count >= 50)).Should().BeGreaterThanOrEqualTo(50, "each of them is received by a thread");
        for (var i = 0; i < clients.Count; i++)
        {
            if (i % 3 == 0)
                clients[i].HalfClose();
            else if (i % 3 == 1)
                clients[i].Reset();
            else
                await rig.Transfers.Tasks[tasks[i]].Cancel.CancelAsync();
        }

        foreach (var task in tasks)
            await rig.EndAsync(task);
        rig.Transfers.OpenDevices.Should().Be(0);

        // Other tests upload beside this one.
        (await ThreadsAsync(count => count <= 10)).Should().BeLessThanOrEqualTo(10);
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [Fact]
    public async Task A_server_stops_under_an_upload_that_stands_still()
    {
        var rig = await FileRig.StartAsync();
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls: false);
        await client.SendAsync(Put(rig, await rig.CreateDiskAsync(Size), task, Size));
        await client.ReadHeadAsync();
        await rig.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        (await client.ReadTextAsync()).Should().NotEndWith("0\r\n\r\n");
    }

    [Fact]
    public async Task A_client_that_waits_to_be_asked_for_the_body_is_asked()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var data = TestBody.Noise(Size, 9);
        using var http = new HttpClient { DefaultRequestHeaders = { ExpectContinue = true }, Timeout = TimeSpan.FromSeconds(60) };
        var task = await rig.CreateTaskAsync();
        using var body = new ByteArrayContent(data) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var answer = await http.PutAsync(new Uri($"http://127.0.0.1:{rig.Port(tls: false)}/import_raw_vdi?session_id={rig.Session}&vdi={vdi}&task_id={task}"), body);
        answer.EnsureSuccessStatusCode();
        (await rig.TaskAsync(task)).Status.Should().Be("success");
        (await rig.HashAsync(vdi)).Should().Be(TestBody.Hash(data));
    }

    private static string Put(FileRig rig, string vdi, string task, int length) =>
        $"PUT /import_raw_vdi?session_id={rig.Session}&vdi={vdi}&task_id={task} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n";

    private static byte[] Latin(string text) => System.Text.Encoding.Latin1.GetBytes(text);

    /// <summary>The head and the empty body of an upload's answer.</summary>
    private static async Task ReadChunkedAsync(RawClient client)
    {
        (await client.ReadHeadAsync()).Should().StartWith("HTTP/1.1 200").And.Contain("chunked");
        (await client.ReadUntilAsync("0\r\n\r\n")).Should().Be("0\r\n\r\n");
    }

    /// <summary>Waits for a number of receiving threads in the process, and returns the last one seen.</summary>
    private static async Task<int> ThreadsAsync(Func<int, bool> enough)
    {
        var count = Threads();
        for (var wait = 0; !enough(count) && wait < 300; wait++, count = Threads())
            await Task.Delay(100);
        return count;
    }

    private static int Threads() => Directory.GetDirectories("/proc/self/task").Count(IsUpload);

    private static bool IsUpload(string thread)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "comm")).Trim() == "upload";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
