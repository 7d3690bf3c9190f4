using Lanyard;

await using var node = await LanyardNode.StartAsync(new LanyardOptions { StateDirectory = "my-app" });
var lan = await node.JoinAsync(args[0]);
Console.WriteLine($"{node.Address} has {lan.IPv4Address} on {lan.Name}");

// A TCP port on the LAN, not on this machine.
using var listener = lan.Listen(7777);
_ = Task.Run(async () =>
{
    await using var stream = await listener.AcceptAsync();
    await stream.CopyToAsync(stream);
});

// And the whole of HttpClient over it.
using var http = new HttpClient(lan.CreateHttpHandler());
Console.WriteLine(await http.GetStringAsync(args[1]));
