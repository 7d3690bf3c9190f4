using Lanyard;

// Arguments: state folder, network, URL.
await using var node = await LanyardNode.StartAsync(new LanyardOptions { StateDirectory = args[0] });
var lan = await node.JoinAsync(args[1]);
using var http = new HttpClient(lan.CreateHttpHandler());
Console.WriteLine(await http.GetStringAsync(args[2]));
